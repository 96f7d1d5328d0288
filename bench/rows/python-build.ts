import { PythonApp } from '../workloads/python-app.ts';
import { BareTree } from './bare-tree.ts';
import { builders, measuredBuild, measuredFloor, renewed, unmeasuredBuild } from './measured.ts';
import { type Field, inTurn, type Row, type RowSet } from './row.ts';

const W2: Row = {
  id: 'W2',
  title: 'Python base, COPY . ., RUN pip install: the first build',
  begins: 'The base is in every store, unpacked; of this build nothing is in a cache.',
  targets: [{ most: 0.9, than: 'best peer', by: 'wall' }],
};
const W3: Row = {
  id: 'W3',
  title: 'The same again',
  begins: 'W2 has just been built.',
  targets: [{ most: 0.5, than: 'best peer', by: 'server' }],
};
const W4: Row = {
  id: 'W4',
  title: 'One line of one source file changed, COPY . . before RUN: pip runs again',
  begins: 'W2 has just been built; then the edit.',
  targets: [{ most: 1.05, than: 'floor', by: 'wall' }],
};
const W4_KEPT: Row = {
  id: 'W4b',
  title: 'The same edit, requirements alone before RUN: pip does not run again',
  begins: 'Built before the edit.',
};

export const pythonBuildRows: RowSet = {
  rows: [W2, W3, W4, W4_KEPT],
  async measure(field: Field) {
    const all = builders(field);
    const app = await PythonApp.write(field.folder, field.upstream.python);
    for (const builder of all) {
      await renewed(field, builder);
      await unmeasuredBuild(field, builder, app.base);
    }
    const bare = await BareTree.of(field, field.upstream.python, 'python');
    const pip = 'pip install --quiet --root-user-action=ignore -r requirements.txt';
    for (let round = 0; field.goesOn(round); round++) {
      const order = inTurn(all, round);
      await app.renew(`round ${round}`);
      for (const builder of order) await measuredBuild(field, W2, builder, app.sourceFirst);
      await measuredFloor(field, W2, bare.script(`w2-${round}`), app.context, '/app', pip);
      for (const builder of order) await measuredBuild(field, W3, builder, app.sourceFirst);
      for (const builder of order) await unmeasuredBuild(field, builder, app.requirementsFirst);
      await app.edit(`round ${round}`);
      for (const builder of order) await measuredBuild(field, W4, builder, app.sourceFirst);
      await measuredFloor(field, W4, bare.script(`w4-${round}`), app.context, '/app', pip);
      for (const builder of order) await measuredBuild(field, W4_KEPT, builder, app.requirementsFirst);
    }
  },
};
