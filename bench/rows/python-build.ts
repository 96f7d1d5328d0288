import type { Contender, ImageBuild } from '../contenders/contender.ts';
import { measure, perform } from '../measure.ts';
import { PythonApp } from '../workloads/python-app.ts';
import { type Field, inTurn, type Row, type RowSet } from './row.ts';

const W2: Row = {
  id: 'W2',
  title: 'Python base, COPY . ., RUN pip install: the first build',
  begins: 'The base is in every store, unpacked; of this build nothing is in a cache.',
};
const W3: Row = { id: 'W3', title: 'The same again', begins: 'W2 has just been built.' };
const W4: Row = {
  id: 'W4',
  title: 'One line of one source file changed, COPY . . before RUN: pip runs again',
  begins: 'W2 has just been built; then the edit.',
};
const W4_KEPT: Row = {
  id: 'W4b',
  title: 'The same edit, requirements alone before RUN: pip does not run again',
  begins: 'Built before the edit.',
};

export const pythonBuildRows: RowSet = {
  rows: [W2, W3, W4, W4_KEPT],
  async measure(field: Field) {
    const builders = field.contenders.filter(({ build }) => build !== undefined);
    const app = await PythonApp.write(field.folder, field.upstream.python);
    for (const builder of builders) {
      await builder.renew();
      await unmeasured(field, builder, app.base);
    }
    for (let round = 0; round < field.rounds; round++) {
      const order = inTurn(builders, round);
      await app.renew(`round ${round}`);
      for (const builder of order) await measured(field, W2, builder, app.sourceFirst);
      for (const builder of order) await measured(field, W3, builder, app.sourceFirst);
      for (const builder of order) await unmeasured(field, builder, app.requirementsFirst);
      await app.edit(`round ${round}`);
      for (const builder of order) await measured(field, W4, builder, app.sourceFirst);
      for (const builder of order) await measured(field, W4_KEPT, builder, app.requirementsFirst);
    }
  },
};

async function measured(field: Field, row: Row, builder: Contender, image: ImageBuild): Promise<void> {
  const commands = (await builder.build?.(image)) ?? [];
  field.take(row, builder, await measure(builder.group, commands, field.signal));
}

async function unmeasured(field: Field, builder: Contender, image: ImageBuild): Promise<void> {
  for (const command of (await builder.build?.(image)) ?? []) await perform(builder.group, command, field.signal);
}
