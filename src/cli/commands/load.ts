import { resolve } from 'node:path';
import { familiarName, parseReference } from '../../images/reference.ts';
import { outOfStream } from '../byte-socket.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { isFolder } from '../is-folder.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

export async function load(
  context: CliContext,
  options: { input?: string; tag?: string; json?: boolean },
): Promise<number> {
  const { input, tag: name } = options;
  const take = (from: { file: string } | { socket: string } | { folder: string }) =>
    withControl(context, (control) => control.call('load', { from, name }, undefined, context.signal));
  if (input === undefined && process.stdin.isTTY)
    throw new UsageProblem('there is no archive', 'Name a file with -i, or pipe one in.');
  const loaded =
    input === undefined || input === '-'
      ? await outOfStream(process.stdin, (socket) => take({ socket }))
      : await take(isFolder(input) ? { folder: resolve(input) } : { file: resolve(input) });
  if (options.json) context.terminal.out(`${JSON.stringify(loaded, null, 2)}\n`);
  else
    for (const { image, names } of loaded) {
      context.terminal.out(`${image.target.digest}\n`);
      for (const each of names) context.terminal.out(`  ${familiarName(parseReference(each))}\n`);
    }
  return EXIT.done;
}
