import { pause } from '../../lib/retry.ts';

/** Whether `end` comes within so many milliseconds. */
export async function endsWithin(end: Promise<unknown>, ms: number): Promise<boolean> {
  const stop = new AbortController();
  try {
    return await Promise.race([end.then(() => true), pause(ms, stop.signal).then(() => false)]);
  } finally {
    stop.abort();
  }
}
