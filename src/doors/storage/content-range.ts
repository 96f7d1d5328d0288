/** What a PUT to an upload session brings. */
export interface ChunkRange {
  /** Undefined: nothing, it is a question. */
  start?: number | undefined;
  /** Size of the whole object, once the client knows it. */
  total?: number | undefined;
}

/**
 * `Content-Range` of a request (RFC 9110, section 14.4, and Cloud Storage's `bytes *\/N` and `bytes *\/*` for questions).
 * Without the header the body is the whole object.
 * @returns undefined when the text is no range
 */
export function parseContentRange(header: string | undefined, bodyLength: number | undefined): ChunkRange | undefined {
  if (header === undefined) return { start: 0, total: bodyLength };
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(?:(\d+)|\*)$/.exec(header.trim());
  if (match === null) return undefined;
  const total = match[3] === undefined ? undefined : Number(match[3]);
  if (match[1] === undefined) return { total };
  const start = Number(match[1]);
  const end = Number(match[2]);
  return end < start || (total !== undefined && end >= total) ? undefined : { start, total };
}
