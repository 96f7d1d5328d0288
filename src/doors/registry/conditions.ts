import type { IncomingMessage } from 'node:http';
import type { Digest } from '../../images/digest.ts';

/** What is served under a digest never changes, so that the digest is its entity tag (RFC 9110, section 8.8.3). */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether the client has it already (`If-None-Match`), which 304 then says. */
export function isKnown(request: IncomingMessage, digest: Digest): boolean {
  const list = request.headers['if-none-match'];
  return list !== undefined && names(list, digest);
}

/** Whether the ranges asked for are of these bytes (`If-Range`); of others, the client wants the whole. */
export function holdsFor(request: IncomingMessage, digest: Digest): boolean {
  const tag = request.headers['if-range'];
  return tag === undefined || tag === etagOf(digest);
}

function names(list: string, digest: Digest): boolean {
  return list.split(',').some((part) => ['*', etagOf(digest)].includes(part.trim().replace(/^W\//, '')));
}
