import { formatDuration } from '../lib/bytes.ts';
import type { UpstreamState } from '../stores/upstream/upstream-state.ts';
import { ago } from './ago.ts';

/** Whether an upstream answers, and what is left of the pulls that it grants. */
export function upstreamLine({ host, failure, quota }: UpstreamState, now = Date.now()): string {
  const parts: string[] = [];
  if (failure !== undefined)
    parts.push(`can't be asked since ${ago(failure.since, now)} (${failure.message}); what is kept is served`);
  if (quota !== undefined) {
    const { limit, remaining, window, source, seenAt } = quota;
    const counted = source === undefined ? '' : ` for ${source}`;
    const per = window === 0 ? '' : ` per ${formatDuration(window * 1000)}`;
    parts.push(`${remaining} of ${limit} pulls${per} left${counted}, as of ${ago(seenAt, now)}`);
  }
  return `${host} ${parts.length === 0 ? 'counts no pulls' : parts.join('; ')}`;
}
