import { measured, renewed, unmeasured } from './measured.ts';
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
  async measure(field: Field) {
    const { upstream } = field;
    for (let round = 0; field.goesOn(round); round++) {
      for (const contender of inTurn(field.contenders, round)) {
        if (contender.mirror === undefined) continue;
        const target = (kind: string) =>
          `${upstream.host}/${kind}/${contender.name.toLowerCase().replaceAll(' ', '-')}-${round}:latest`;
        await renewed(field, contender);
        await unmeasured(field, contender, await contender.mirror(upstream.busybox, target('warm')));
        await measured(field, W1, contender, await contender.mirror(upstream.python, target('mirror')));
      }
    }
  },
};
