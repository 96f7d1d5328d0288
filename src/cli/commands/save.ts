import { resolve } from 'node:path';
import type { ControlCalls } from '../../doors/control/wire.ts';
import { intoStream } from '../byte-socket.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { isFolder } from '../is-folder.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

interface SaveFlags {
  output?: string;
  format?: 'docker' | 'oci' | 'oci-dir';
  platform?: string[];
  referrers: boolean;
}

export async function save(context: CliContext, options: SaveFlags, images: string[]): Promise<number> {
  const { output = '-', format, platform: platforms, referrers } = options;
  const intoFolder = format === 'oci-dir' || (format !== 'docker' && output !== '-' && isFolder(output));
  const form = intoFolder || format === 'oci' ? 'oci' : 'docker';
  if (form === 'docker' && platforms !== undefined)
    throw new UsageProblem("an archive for docker has this machine's platform", 'Add --format oci.');
  const send = (to: ControlCalls['save']['request']['to']) =>
    withControl(context, (control) =>
      control.call('save', { names: images, form, to, platforms, referrers }, undefined, context.signal),
    );
  if (intoFolder) {
    if (output === '-') throw new UsageProblem('a folder is not written to standard output', 'Name it with -o.');
    await send({ folder: resolve(output) });
  } else if (output !== '-') await send({ file: resolve(output) });
  else if (process.stdout.isTTY)
    throw new UsageProblem('an archive is not written to a terminal', 'Name a file with -o, or pipe it somewhere.');
  else await intoStream(process.stdout, (socket) => send({ socket }));
  return EXIT.done;
}
