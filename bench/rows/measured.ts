import type { Command, Contender, ImageBuild } from '../contenders/contender.ts';
import { measure, perform } from '../measure.ts';
import { type Field, FLOOR, type Row } from './row.ts';

/** Those who build. */
export function builders({ contenders }: Field): Contender[] {
  return contenders.filter(({ build }) => build !== undefined);
}

/** An empty store, the daemon running. */
export async function renewed(field: Field, contender: Contender): Promise<void> {
  await field.attempt(contender.name, () => contender.renew());
}

export async function measuredBuild(field: Field, row: Row, builder: Contender, image: ImageBuild): Promise<void> {
  await measured(field, row, builder, (await builder.build?.(image)) ?? []);
}

export async function unmeasuredBuild(field: Field, builder: Contender, image: ImageBuild): Promise<void> {
  await unmeasured(field, builder, (await builder.build?.(image)) ?? []);
}

export async function measured(
  field: Field,
  row: Row,
  builder: Contender,
  commands: readonly Command[],
): Promise<void> {
  await field.attempt(builder.name, async () =>
    field.take(row, builder.name, await measure(builder.group, commands, field.signal)),
  );
}

export async function unmeasured(field: Field, builder: Contender, commands: readonly Command[]): Promise<void> {
  await field.attempt(builder.name, async () => {
    for (const command of commands) await perform(builder.group, command, field.signal);
  });
}

/** A sample of the bare work, as a shell script; `$1` and so on are the arguments. */
export async function measuredFloor(field: Field, row: Row, script: string, ...args: string[]): Promise<void> {
  const command: Command = { argv: ['sh', '-ec', script, 'floor', ...args] };
  await field.attempt(FLOOR, async () => field.take(row, FLOOR, await measure(field.floor, [command], field.signal)));
}
