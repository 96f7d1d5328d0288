import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageBuild } from '../contenders/contender.ts';
import { writeAptInstall } from '../workloads/apt-install.ts';
import { writeCopiedFiles } from '../workloads/copied-files.ts';
import { writeModel } from '../workloads/model.ts';
import { writeBaseRun, writeManyFilesRun, writeTwoStages } from '../workloads/run-lines.ts';
import { BareTree } from './bare-tree.ts';
import { builders, measuredBuild, measuredFloor, renewed, unmeasuredBuild } from './measured.ts';
import { type Field, FLOOR, inTurn, type Row, type RowSet } from './row.ts';

const FRESH = 'The base is in every store, unpacked; the files are new in every round, so nothing is in a cache.';

const W5: Row = {
  id: 'W5',
  title: 'COPY of 2,000 files, 20 MB, onto a Python base',
  begins: FRESH,
  targets: [{ most: 0.35, than: 'best peer', by: 'wall' }],
};
const W6: Row = {
  id: 'W6',
  title: 'COPY of a 500 MB model, then a RUN',
  begins: FRESH,
  targets: [{ most: 0.25, than: 'best peer', by: 'wall' }],
};
const W6_AGAIN: Row = {
  id: 'W6c',
  title: 'The model again, unchanged',
  begins: 'W6 has just been built.',
  targets: [{ most: 1, than: 'best peer', by: 'server' }],
};
const W7: Row = {
  id: 'W7',
  title: 'A RUN that writes 20,000 small files',
  begins: FRESH,
  targets: [{ most: 0.75, than: 'best peer', by: 'wall' }],
};
const W8: Row = {
  id: 'W8',
  title: 'Two independent stages of two seconds each',
  begins: FRESH,
  targets: [{ most: 0.92, than: 'best peer', by: 'wall' }],
};

const W9: Row = {
  id: 'W9',
  title: 'A RUN of apt-get install: six packages out of a folder of the context',
  begins: FRESH,
  targets: [{ most: 1.05, than: 'floor', by: 'wall' }],
};

const COSTLY = [W6, W7];

/** Rows of one kind: the base is brought into every store once, then every round builds files that nobody has seen. */
function freshBuilds(
  row: Row,
  base: (field: Field) => string,
  write: (folder: string, base: string, mark: string) => Promise<ImageBuild>,
  floor: (field: Field, image: ImageBuild, round: number) => Promise<void>,
  again?: Row,
): RowSet {
  return {
    costly: COSTLY.includes(row),
    rows: again === undefined ? [row] : [row, again],
    async measure(field: Field) {
      const all = builders(field);
      const first = await writeBaseRun(field.folder, base(field), row.id.toLowerCase());
      for (const builder of all) {
        await renewed(field, builder);
        await unmeasuredBuild(field, builder, first);
      }
      for (let round = 0; field.goesOn(round); round++) {
        const image = await write(field.folder, base(field), `${round}`);
        const order = inTurn(all, round);
        await field.attempt(FLOOR, () => floor(field, image, round));
        for (const builder of order) await measuredBuild(field, row, builder, image);
        if (again !== undefined) for (const builder of order) await measuredBuild(field, again, builder, image);
        await rm(image.context, { recursive: true });
      }
    },
  };
}

/** One tree for the floors of a set's rounds. */
function bareRuns(base: (field: Field) => string, name: string) {
  let tree: Promise<BareTree> | undefined;
  return (field: Field) => {
    tree ??= BareTree.of(field, base(field), name);
    return tree;
  };
}

const python = ({ upstream }: Field) => upstream.python;
const busybox = ({ upstream }: Field) => upstream.busybox;
const barePython = bareRuns(python, 'python-files');
const bareApt = bareRuns(python, 'python-apt');
const bareBusybox = bareRuns(busybox, 'busybox');

export const copyRows: RowSet = freshBuilds(W5, python, writeCopiedFiles, (field, { context }) =>
  measuredFloor(field, W5, 'tar -C "$1" -cf - src | sha256sum', context),
);

export const modelRows: RowSet = freshBuilds(
  W6,
  busybox,
  writeModel,
  (field, { context }, round) =>
    measuredFloor(
      field,
      W6,
      'cp "$1" "$2"; sha256sum "$2"; rm "$2"',
      join(context, 'model.bin'),
      join(field.folder, `model-copy-${round}`),
    ),
  W6_AGAIN,
);

export const manyFilesRows: RowSet = freshBuilds(W7, python, writeManyFilesRun, async (field, { context }, round) =>
  measuredFloor(field, W7, (await barePython(field)).script(`w7-${round}`), context, '/', 'python3 /generate.py'),
);

export const aptRows: RowSet = freshBuilds(W9, python, writeAptInstall, async (field, { context }, round) =>
  measuredFloor(field, W9, (await bareApt(field)).script(`w9-${round}`), context, '/', 'sh /install.sh'),
);

export const stageRows: RowSet = freshBuilds(W8, busybox, writeTwoStages, async (field, _image, round) => {
  const bare = await bareBusybox(field);
  const stage = (name: string) => `( ${bare.script(`w8-${round}-${name}`)} )`;
  const both = `set -- "" / "sleep 2"; ${stage('a')} & ${stage('b')} & wait`;
  await measuredFloor(field, W8, both);
});
