import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../../src/lib/run.ts';
import { startRegistry } from '../upstream.ts';
import { writeCopiedFiles } from '../workloads/copied-files.ts';
import { PythonApp } from '../workloads/python-app.ts';
import { writeBaseRun } from '../workloads/run-lines.ts';
import { BareTransfer } from './bare-transfer.ts';
import { builders, measured, measuredFloor, renewed, unmeasured, unmeasuredBuild } from './measured.ts';
import { type Field, inTurn, type Row, type RowSet } from './row.ts';

const W10: Row = {
  id: 'W10',
  title: 'Push of the Python application to another registry, which is empty',
  begins: 'Built, by each with its own store; skopeo has the image in a folder. A new registry for every sample.',
  targets: [
    { most: 0.12, than: 'docker', by: 'wall' },
    { most: 1.2, than: 'skopeo', by: 'wall' },
  ],
};
const W10_AGAIN: Row = {
  id: 'W10u',
  title: 'The same push again',
  begins: 'W10 has just been pushed.',
  targets: [{ most: 1, than: 'best peer', by: 'server' }],
};
const W11: Row = {
  id: 'W11',
  title: 'Pull of the Python base',
  begins:
    'Empty stores in new folders. Docker and buildah unpack what they pull; ours does when something needs the files.',
  targets: [{ most: 0.2, than: 'best peer', by: 'wall' }],
};
const W11_UNPACKED: Row = {
  id: 'W11b',
  title: 'Pull of the Python base, and a RUN on it that needs every layer unpacked',
  begins: 'Empty stores in new folders.',
  targets: [{ most: 0.75, than: 'best peer', by: 'wall' }],
};
const W12: Row = {
  id: 'W12',
  title: 'A build worker that starts empty: pull the base, COPY 2,000 files, push to another registry',
  begins: 'Empty stores in new folders, an empty registry, files that are new in every round.',
  targets: [{ most: 0.2, than: 'best peer', by: 'wall' }],
};

export const pushRows: RowSet = {
  rows: [W10, W10_AGAIN],
  async measure(field: Field) {
    const own = join(field.folder, 'pushed');
    await mkdir(own);
    const app = await PythonApp.write(own, field.upstream.python);
    for (const builder of builders(field)) await renewed(field, builder);
    const folder = await pushedToFolder(field, app);
    for (let round = 0; field.goesOn(round); round++) {
      for (const [n, contender] of inTurn(field.contenders, round).entries()) {
        if (contender.push === undefined && contender.send === undefined) continue;
        const registry = await startRegistry(join(field.folder, `target-${round}-${n}`));
        try {
          const tag = `${registry.host}/bench/app:latest`;
          await unmeasuredBuild(field, contender, { ...app.sourceFirst, tag });
          const commands = (await contender.push?.(tag)) ?? (await contender.send?.(folder, tag)) ?? [];
          await measured(field, W10, contender, commands);
          await measured(field, W10_AGAIN, contender, commands);
        } finally {
          await registry.stop();
        }
      }
    }
  },
};

/** The application's image as skopeo's folder form, for who has no store to push from. */
async function pushedToFolder(field: Field, app: PythonApp): Promise<string> {
  const folder = join(field.folder, 'pushed-image');
  const registry = await startRegistry(join(field.folder, 'holding'));
  try {
    const [builder] = builders(field);
    if (builder === undefined) return folder;
    const tag = `${registry.host}/bench/app:latest`;
    await unmeasuredBuild(field, builder, { ...app.sourceFirst, tag });
    await unmeasured(field, builder, (await builder.push?.(tag)) ?? []);
    await runOk('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${tag}`, `dir:${folder}`]);
    return folder;
  } finally {
    await registry.stop();
  }
}

export const pullRows: RowSet = {
  rows: [W11, W11_UNPACKED],
  async measure(field: Field) {
    const first = await writeBaseRun(field.folder, field.upstream.python, 'w11');
    const bare = await BareTransfer.of(join(field.folder, 'bare-pull'), field.upstream.python);
    for (let round = 0; field.goesOn(round); round++) {
      await measuredFloor(field, W11, bare.pull(`w11-${round}`));
      await measuredFloor(field, W11_UNPACKED, `${bare.pull(`w11b-${round}`)}\n${bare.unpack(`w11b-${round}`)}`);
      for (const builder of inTurn(builders(field), round)) {
        if (builder.pull === undefined) continue;
        await renewed(field, builder);
        await unmeasured(field, builder, await builder.pull(field.upstream.busybox));
        await measured(field, W11, builder, await builder.pull(field.upstream.python));
        await renewed(field, builder);
        await unmeasured(field, builder, await builder.pull(field.upstream.busybox));
        const commands = [...(await builder.pull(field.upstream.python)), ...((await builder.build?.(first)) ?? [])];
        await measured(field, W11_UNPACKED, builder, commands);
      }
    }
  },
};

export const workerRows: RowSet = {
  rows: [W12],
  costly: true,
  async measure(field: Field) {
    const bare = await BareTransfer.of(join(field.folder, 'bare-worker'), field.upstream.python);
    for (let round = 0; field.goesOn(round); round++) {
      await bareWorker(field, bare, round);
      for (const [n, builder] of inTurn(builders(field), round).entries()) {
        const image = await writeCopiedFiles(field.folder, field.upstream.python, `w12-${round}-${n}`);
        const registry = await startRegistry(join(field.folder, `worker-target-${round}-${n}`));
        try {
          const tag = `${registry.host}/bench/copied:latest`;
          await renewed(field, builder);
          await unmeasured(field, builder, (await builder.pull?.(field.upstream.busybox)) ?? []);
          const commands = [
            ...((await builder.build?.({ ...image, tag })) ?? []),
            ...((await builder.push?.(tag)) ?? []),
          ];
          await measured(field, W12, builder, commands);
        } finally {
          await registry.stop();
        }
      }
    }
  },
};

/** Pull, a tar of the files packed by gzip and its two hashes, push of all of it. */
async function bareWorker(field: Field, bare: BareTransfer, round: number): Promise<void> {
  const image = await writeCopiedFiles(field.folder, field.upstream.python, `w12-${round}-floor`);
  const registry = await startRegistry(join(field.folder, `worker-target-${round}-floor`));
  const run = `w12-${round}`;
  const layer = join(field.folder, `w12-${round}-floor-layer`);
  const script = `${bare.pull(run)}
    tar -C ${image.context} -cf - . | tee ${layer}.tar | sha256sum > ${layer}.diff
    gzip -1 -c ${layer}.tar | tee ${layer}.gz | sha256sum > ${layer}.digest
    ${bare.push(run, `http://${registry.host}/v2/bench/copied`)}`;
  try {
    await measuredFloor(field, W12, script);
  } finally {
    await registry.stop();
  }
}
