import type { IncomingMessage } from 'node:http';
import { RegistryError } from './errors.ts';

/** What the headers of a PATCH or PUT say about its body. */
export interface Chunk {
  /** Where its first byte belongs, if said. */
  start?: number | undefined;
  /** Bytes, if said. */
  size?: number | undefined;
  empty: boolean;
}

/**
 * Reads `Content-Range` in distribution-spec's form (`0-99`, inclusive) and in HTTP's (`bytes 0-99/*`), and the length.
 * @throws RegistryError 400 when they contradict each other
 */
export function chunkOf(request: IncomingMessage): Chunk {
  const length = request.headers['content-length'];
  const size = length === undefined ? undefined : Number(length);
  const range = request.headers['content-range'];
  const empty = size === 0 || (size === undefined && request.headers['transfer-encoding'] === undefined);
  if (range === undefined) return { size, empty };
  const match = /^(?:bytes )?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(range.trim());
  if (match === null) throw new RegistryError(400, 'BLOB_UPLOAD_INVALID', `not a range: ${JSON.stringify(range)}`);
  const [start, end] = [Number(match[1]), Number(match[2])];
  // an empty closing PUT repeats the last range in some clients; its start says nothing then
  if (empty) return { size: 0, empty };
  if (end < start || (size !== undefined && size !== end - start + 1))
    throw new RegistryError(400, 'SIZE_INVALID', `Content-Range ${range} does not fit Content-Length ${length ?? '?'}`);
  return { start, size: end - start + 1, empty };
}

/** The body as it comes. It is not destroyed when its reader stops early: the client has to be able to read the answer. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}
