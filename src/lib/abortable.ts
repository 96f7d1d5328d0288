import { addAbortSignal, Readable } from 'node:stream';

/** The same chunks, but a signal also ends the wait for one that never comes; the loop then throws an AbortError. */
export function abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  if (signal === undefined) return source;
  return addAbortSignal(signal, source instanceof Readable ? source : Readable.from(source));
}
