import type { Answer } from './transport.ts';

/** What Docker Hub says of our quota with a manifest: only manifest GETs count, HEADs never do. */
export interface RateLimit {
  /** Pulls per window. */
  limit: number;
  remaining: number;
  /** Seconds. */
  window: number;
  /** The address or account that is counted; tells whether the credentials took effect. */
  source?: string | undefined;
}

/** `ratelimit-limit: 100;w=21600`; undefined where a registry doesn't count. */
export function readRateLimit(answer: Pick<Answer, 'header'>): RateLimit | undefined {
  const limit = /^(\d+)(?:;w=(\d+))?/.exec(answer.header('ratelimit-limit') ?? '');
  const remaining = /^(\d+)/.exec(answer.header('ratelimit-remaining') ?? '');
  if (limit === null || remaining === null) return undefined;
  const source = answer.header('docker-ratelimit-source');
  return { limit: Number(limit[1]), remaining: Number(remaining[1]), window: Number(limit[2] ?? 0), source };
}
