import { formatBytes } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { withControl } from '../with-control.ts';

export async function prune(context: CliContext, options: { json?: boolean }): Promise<number> {
  const { blobs, bytes } = await withControl(context, (control) =>
    control.call('prune', {}, undefined, context.signal),
  );
  context.terminal.out(
    options.json
      ? `${JSON.stringify({ blobs, bytes })}\n`
      : blobs === 0
        ? 'Nothing to remove: every blob is in use, or was a little while ago.\n'
        : `Removed ${blobs} blobs, ${formatBytes(bytes)}; they lie in the trash for a while.\n`,
  );
  return EXIT.done;
}
