import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 8 << 20;

let passed = 0;
let collect: ((options: { type: 'minor' }) => void) | undefined;

/**
 * To be told of bytes that came in buffers of their own, as a socket's do, and that nobody needs any more. V8 sees only
 * their small objects, so it leaves them until all memory outside of its heap has grown by some 30 MB, and then looks through
 * the whole heap: in a push of 512 MB twenty times, longer than taking its hash. Collecting young objects alone, every
 * few megabytes, costs a millisecond.
 */
export function discarded(bytes: number): void {
  passed += bytes;
  if (passed < EVERY_BYTES) return;
  passed = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** V8 shows it to contexts that are made while the flag is set, which stays so: other threads make some, too. */
function collector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (options: { type: 'minor' }) => void;
}
