import { join } from 'node:path';
import { startRegistry } from '../upstream.ts';
import { BareTransfer } from './bare-transfer.ts';
import { measured, measuredFloor, renewed, unmeasured } from './measured.ts';
import { type Field, inTurn, type Row, type RowSet } from './row.ts';

const W1: Row = {
  id: 'W1',
  title: 'FROM alone, by digest, into another repository of the same registry',
  begins: 'Empty stores in new folders; daemons started, and warm from mirroring another image (busybox).',
  targets: [
    { most: 1, than: 'skopeo', by: 'server' },
    { most: 1, than: 'skopeo', by: 'wall' },
  ],
};

const W1_ELSEWHERE: Row = {
  id: 'W1x',
  title: 'FROM alone, by digest, into another registry, which is empty',
  begins: 'As W1. A new registry for every sample.',
  targets: [
    { most: 1.3, than: 'skopeo', by: 'wall' },
    { most: 0.1, than: 'docker', by: 'wall' },
  ],
};

/** A new target for every sample: nothing of it is there, and nothing has to be deleted. */
export const mirrorRows: RowSet = {
  rows: [W1, W1_ELSEWHERE],
  async measure(field: Field) {
    const { upstream } = field;
    const bare = await BareTransfer.of(join(field.folder, 'bare-mirror'), upstream.python);
    for (let round = 0; field.goesOn(round); round++) {
      await measuredFloor(field, W1, bare.mount(`mirror/floor-${round}`));
      const empty = await startRegistry(join(field.folder, `mirror-target-${round}`));
      try {
        const script = `${bare.pull(`w1x-${round}`)}\n${bare.push(`w1x-${round}`, `http://${empty.host}/v2/mirror/python`)}`;
        await measuredFloor(field, W1_ELSEWHERE, script);
      } finally {
        await empty.stop();
      }
      for (const [n, contender] of inTurn(field.contenders, round).entries()) {
        if (contender.mirror === undefined) continue;
        const target = (kind: string) =>
          `${upstream.host}/${kind}/${contender.name.toLowerCase().replaceAll(' ', '-')}-${round}:latest`;
        await renewed(field, contender);
        await unmeasured(field, contender, await contender.mirror(upstream.busybox, target('warm')));
        await measured(field, W1, contender, await contender.mirror(upstream.python, target('mirror')));
        const registry = await startRegistry(join(field.folder, `mirror-target-${round}-${n}`));
        try {
          await renewed(field, contender);
          await unmeasured(field, contender, await contender.mirror(upstream.busybox, target('warm-again')));
          const elsewhere = `${registry.host}/mirror/python:latest`;
          await measured(field, W1_ELSEWHERE, contender, await contender.mirror(upstream.python, elsewhere));
        } finally {
          await registry.stop();
        }
      }
    }
  },
};
