import type { CacheMountUse, PrunedCaches } from '../../engine/mounts/prune-caches.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';
import { explainPrune } from './explain-prune.ts';

export interface PruneOptions {
  cache?: boolean;
  images?: boolean;
  /** Milliseconds. */
  olderThan?: number;
  keepBytes?: number;
  dryRun?: boolean;
  json?: boolean;
}

export async function prune(context: CliContext, options: PruneOptions): Promise<number> {
  const limited = options.olderThan !== undefined || options.keepBytes !== undefined;
  if (limited && options.cache !== true)
    throw new UsageProblem(
      '--older-than and --keep-bytes say which cached layers go',
      'Add --cache; what else nobody keeps goes at any age.',
    );
  if (options.dryRun) {
    if (options.images)
      throw new UsageProblem(
        '--dry-run looks at what is there now',
        'Give it without --images: those images stay then.',
      );
    if (options.cache)
      throw new UsageProblem(
        '--dry-run looks at what is there now',
        'Give it without --cache: cached layers stay then.',
      );
    return explainPrune(context, options.json === true);
  }
  const { images, blobs, bytes, records, cacheMounts } = await withControl(context, async (control) => {
    const gone = options.images === true ? await control.call('pruneImages', {}, undefined, context.signal) : undefined;
    const limits = { cache: cacheLimits(options, limited) };
    return { images: gone?.images ?? 0, ...(await control.call('prune', limits, undefined, context.signal)) };
  });
  if (options.json) {
    context.terminal.out(`${JSON.stringify({ images, blobs, bytes, records, cacheMounts })}\n`);
    return EXIT.done;
  }
  if (options.images)
    context.terminal.out(
      images === 0
        ? 'No image went: each has a name, or is needed by a container or by another image.\n'
        : `Removed ${images} ${images === 1 ? 'image' : 'images'} without a name.\n`,
    );
  if (options.cache)
    context.terminal.out(
      records === 0
        ? 'No cached step went: all are within the limits, or were used within the last hour.\n'
        : `Forgot ${records} cached ${records === 1 ? 'step' : 'steps'}.\n`,
    );
  context.terminal.out(describeCacheMounts(cacheMounts, options.cache === true));
  context.terminal.out(
    blobs === 0
      ? 'Nothing to remove: every blob is in use, or was a little while ago.\n'
      : `Removed ${blobs} blobs, ${formatBytes(bytes)}; they lie in the trash for a while.\n`,
  );
  return EXIT.done;
}

/** What went, and with --cache also what stays and could go. */
function describeCacheMounts({ removed, kept }: PrunedCaches, listed: boolean): string {
  const sum = (uses: CacheMountUse[]) => formatBytes(uses.reduce((total, { bytes }) => total + bytes, 0));
  const count = (uses: CacheMountUse[]) => `${uses.length} cache ${uses.length === 1 ? 'mount' : 'mounts'}`;
  const lines = removed.length === 0 ? [] : [`Removed ${count(removed)}, ${sum(removed)}.`];
  if (listed && kept.length > 0) {
    lines.push(`Kept ${count(kept)}, ${sum(kept)}:`);
    for (const { project, id, bytes, usedAt } of kept)
      lines.push(
        `  ${project} ${id.replace(/^\//, '')}  ${formatBytes(bytes)}  used ${new Date(usedAt).toISOString()}`,
      );
  }
  return lines.map((line) => `${line}\n`).join('');
}

function cacheLimits({ cache, olderThan, keepBytes }: PruneOptions, limited: boolean) {
  if (cache !== true) return undefined;
  return limited ? { unusedForMs: olderThan, keepBytes } : { unusedForMs: 0 };
}
