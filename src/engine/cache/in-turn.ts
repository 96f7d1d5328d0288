import { randomUUID } from 'node:crypto';
import { unlessAborted } from '../transfer/shared-work.ts';
import type { Flights } from './cache.ts';

export interface Turn {
  end(): Promise<void>;
}

/** Asking another process takes a moment too, and is no wait. */
const REMARK_MS = 200;

/**
 * Waits in line for a key, over all processes of the data folder.
 * @param onWait told when it is not ours at once
 * @throws Problem `cancelled`
 */
export async function inTurn(flights: Flights, key: string, signal: AbortSignal, onWait?: () => void): Promise<Turn> {
  const holder = randomUUID();
  const acquired = flights.acquire(key, holder);
  const remark = onWait === undefined ? undefined : setTimeout(onWait, REMARK_MS);
  try {
    await unlessAborted(acquired, signal);
  } catch (error) {
    // leaves the line, or gives back what became ours after we stopped waiting
    acquired.catch(() => undefined);
    await flights.release(key, holder);
    throw error;
  } finally {
    clearTimeout(remark);
  }
  return { end: () => flights.release(key, holder) };
}
