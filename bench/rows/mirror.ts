import { measure, perform } from '../measure.ts';
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

/** A new target for every sample: nothing of it is there, and nothing has to be deleted. */
export const mirrorRows: RowSet = {
  rows: [W1],
  async measure({ upstream, contenders, rounds, signal, take }: Field) {
    for (let round = 0; round < rounds; round++) {
      for (const contender of inTurn(contenders, round)) {
        if (contender.mirror === undefined) continue;
        const target = (kind: string) =>
          `${upstream.host}/${kind}/${contender.name.toLowerCase().replaceAll(' ', '-')}-${round}:latest`;
        await contender.renew();
        for (const command of await contender.mirror(upstream.busybox, target('warm')))
          await perform(contender.group, command, signal);
        take(
          W1,
          contender.name,
          await measure(contender.group, await contender.mirror(upstream.python, target('mirror')), signal),
        );
      }
    }
  },
};
