import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import type { CliContext } from '../context.ts';
import { ago, table } from '../terminal.ts';
import { withControl } from '../with-control.ts';

export async function images(context: CliContext, options: { json?: boolean }): Promise<number> {
  const list = await withControl(context, (control) => control.call('images', {}));
  if (options.json) context.terminal.out(`${JSON.stringify(list, null, 2)}\n`);
  else if (list.length === 0)
    context.terminal.out('No image has a name here yet: slipway build -t NAME . or slipway pull NAME\n');
  else {
    const rows = list.map((image) => [
      familiarName(parseReference(image.name)),
      shortDigest(image.id),
      shortDigest(image.target.digest),
      ago(image.at),
    ]);
    context.terminal.out(table([['NAME', 'IMAGE ID', 'DIGEST', 'NAMED'], ...rows]));
  }
  return 0;
}
