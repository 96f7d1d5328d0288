import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { withControl } from '../with-control.ts';

export async function listDeleted(context: CliContext, options: { json?: boolean }, image: string): Promise<number> {
  const found = await withControl(context, (control) => control.call('deletedImages', { image }));
  if (options.json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) context.terminal.out(`Nothing of ${image} can be brought back.\n`);
  else
    context.terminal.out(
      table([
        ['DELETED', 'BY', 'DIGEST', 'TAGS'],
        ...found.map(({ deletedAt, deletedBy, digest, tags }) => [ago(deletedAt), deletedBy, digest, tags.join(' ')]),
      ]),
    );
  return 0;
}

export async function undelete(context: CliContext, _options: object, image: string): Promise<number> {
  const tags = await withControl(context, (control) => control.call('undeleteImage', { image }));
  context.terminal.out(`Brought back ${image}${tags.length === 0 ? '' : ` with ${tags.join(', ')}`}\n`);
  return 0;
}
