import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { withControl } from '../with-control.ts';

interface ImagesOptions {
  tag?: string;
  project?: string;
  json?: boolean;
}

export async function images(context: CliContext, options: ImagesOptions): Promise<number> {
  if (options.tag !== undefined) return tagged(context, options.tag, options);
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

async function tagged(context: CliContext, tag: string, { project, json }: ImagesOptions): Promise<number> {
  const found = await withControl(context, (control) => control.call('tagged', { tag, project }));
  if (json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) context.terminal.out(`No image of this registry carries the tag ${tag}.\n`);
  else
    context.terminal.out(
      table([['SINCE', 'DIGEST', 'NAME'], ...found.map((one) => [ago(one.since), one.digest, `${one.image}:${tag}`])]),
    );
  return 0;
}
