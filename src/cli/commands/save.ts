import { resolve } from 'node:path';
import { intoStream } from '../byte-socket.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

export async function save(
  context: CliContext,
  options: { output?: string; format: 'docker' | 'oci' },
  images: string[],
): Promise<number> {
  const { output, format: form } = options;
  const send = (to: { file: string } | { socket: string }) =>
    withControl(context, (control) => control.call('save', { names: images, form, to }, undefined, context.signal));
  if (output !== undefined && output !== '-') await send({ file: resolve(output) });
  else if (process.stdout.isTTY)
    throw new UsageProblem('an archive is not written to a terminal', 'Name a file with -o, or pipe it somewhere.');
  else await intoStream(process.stdout, (socket) => send({ socket }));
  return EXIT.done;
}
