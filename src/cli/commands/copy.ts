import { formatBytes, formatDuration } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { transferProgress } from '../progress/transfer-progress.ts';
import { withControl } from '../with-control.ts';

export async function copy(
  context: CliContext,
  options: { json?: boolean },
  source: string,
  target: string,
): Promise<number> {
  const { terminal, signal } = context;
  const progress = transferProgress(terminal, options.json);
  const done = await withControl(context, (control) =>
    control.call('copy', { source, target }, (event) => progress.listen(event), signal),
  ).finally(() => progress.finish());
  if (options.json) terminal.out(`${JSON.stringify(done, null, 2)}\n`);
  else
    terminal.out(
      `${target}\n  digest ${done.digest}, as at the source\n  ${done.manifests} manifests; blobs: ${done.present} were there, ${done.mounted} mounted, ${done.sent} sent (${formatBytes(done.bytesSent)})  ${formatDuration(done.ms)}\n`,
    );
  return 0;
}
