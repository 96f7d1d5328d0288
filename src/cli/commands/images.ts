import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { withControl } from '../with-control.ts';

export async function images(context: CliContext, options: { json?: boolean }): Promise<number> {
  const list = await withControl(context, (control) => control.call('images', {}));
  if (options.json) context.terminal.out(`${JSON.stringify(list, null, 2)}\n`);
  else if (list.length === 0)
    context.terminal.out('No image has a name here yet: slipway build -t NAME . or slipway pull NAME\n');
  else {
    // names come last and are never cut: they are what is pasted into the next command
    const rows = list.map((image) => [
      shortDigest(image.id),
      shortDigest(image.target.digest),
      ago(image.at),
      familiarName(parseReference(image.name)),
    ]);
    context.terminal.out(table([['IMAGE ID', 'DIGEST', 'NAMED', 'NAME'], ...rows]));
  }
  return 0;
}
