import { formatBytes, formatDuration } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

export async function copy(
  context: CliContext,
  options: { json?: boolean },
  source: string,
  target: string,
): Promise<number> {
  const done = await withControl(context, (control) =>
    control.call('copy', { source, target }, undefined, context.signal),
  );
  if (options.json) context.terminal.out(`${JSON.stringify(done, null, 2)}\n`);
  else
    context.terminal.out(
      `${target}\n  digest ${done.digest}, as at the source\n  ${done.manifests} manifests; blobs: ${done.present} were there, ${done.mounted} mounted, ${done.sent} sent (${formatBytes(done.bytesSent)})  ${formatDuration(done.ms)}\n`,
    );
  return 0;
}
