import { shortDigest } from '../../images/digest.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { withControl } from '../with-control.ts';

export async function listEvents(
  context: CliContext,
  { limit, json }: { limit: number; json?: boolean },
  name?: string,
): Promise<number> {
  const found = await withControl(context, (control) => control.call('registryEvents', { name, limit }));
  if (json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else
    context.terminal.out(
      table([
        ['AT', 'BY', 'WHAT', 'IMAGE'],
        ...found.map(({ at, actor, action, repository, tag, digest, before }) => [
          new Date(at).toISOString().slice(0, 19).replace('T', ' '),
          actor,
          action,
          [
            tag === undefined ? repository : `${repository}:${tag}`,
            ...(digest === undefined ? [] : [`@${shortDigest(digest)}`]),
            ...(before === undefined ? [] : [` (was ${shortDigest(before)})`]),
          ].join(''),
        ]),
      ]),
    );
  return 0;
}
