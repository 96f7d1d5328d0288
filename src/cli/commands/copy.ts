import type { CopyResult } from '../../engine/engine.ts';
import { formatBytes, formatDuration } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { transferProgress } from '../progress/transfer-progress.ts';
import { withControl } from '../with-control.ts';

interface CopyFlags {
  allTags?: boolean;
  platform?: string[];
  referrers: boolean;
  json?: boolean;
}

export async function copy(context: CliContext, options: CopyFlags, source: string, target: string): Promise<number> {
  const { terminal, signal } = context;
  const { allTags: all, platform: platforms, referrers, json } = options;
  const progress = transferProgress(terminal, json);
  const { images, ms } = await withControl(context, (control) =>
    control.call('copy', { source, target, all, platforms, referrers }, (event) => progress.listen(event), signal),
  ).finally(() => progress.finish());
  if (json) terminal.out(`${JSON.stringify(all ? { images, ms } : { ...images[0], ms }, null, 2)}\n`);
  else {
    for (const image of images) terminal.out(described(image));
    terminal.out(`${moved(images)}  ${formatDuration(ms)}\n`);
  }
  return 0;
}

function described({ target, digest, manifests, platforms, leftOut, referrers }: CopyResult): string {
  const lines = [target, `  digest ${digest}, as at the source`];
  const named = platforms.length === 0 ? '' : `: ${platforms.join(', ')}`;
  lines.push(`  ${manifests} ${manifests === 1 ? 'manifest' : 'manifests'}${named}`);
  if (leftOut.length > 0) lines.push(`  sparse: the index names ${leftOut.join(', ')} as well, which were not copied`);
  for (const { tag, artifactType, digest: of } of referrers) lines.push(`  with ${tag ?? artifactType ?? ''} ${of}`);
  return `${lines.join('\n')}\n`;
}

function moved(images: readonly CopyResult[]): string {
  const sum = (of: 'present' | 'mounted' | 'sent' | 'bytesSent') => images.reduce((all, image) => all + image[of], 0);
  return `blobs: ${sum('present')} were there, ${sum('mounted')} mounted, ${sum('sent')} sent (${formatBytes(sum('bytesSent'))})`;
}
