import type { IncomingMessage } from 'node:http';
import { type Digest, isDigest } from '../../images/digest.ts';
import type { TagCondition } from '../../stores/registry/tag-condition.ts';

/** What is served under a digest never changes, so that the digest is its entity tag (RFC 9110, section 8.8.3). */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether the client has it already (`If-None-Match`), which 304 then says. */
export function isKnown(request: IncomingMessage, digest: Digest): boolean {
  const list = request.headers['if-none-match'];
  if (list === undefined) return false;
  const digests = digestsOf(list);
  return digests === 'any' || digests.includes(digest);
}

/** Whether the ranges asked for are of these bytes (`If-Range`); of others, the client wants the whole. */
export function holdsFor(request: IncomingMessage, digest: Digest): boolean {
  const tag = request.headers['if-range'];
  return tag === undefined || tag === etagOf(digest);
}

/**
 * What a push wants its tags to mean so far: `If-Match` with the digest that the client has seen, so that it doesn't undo
 * what another did meanwhile, or `If-None-Match: *` to set a tag only if there is none.
 */
export function conditionOf(request: IncomingMessage): TagCondition | undefined {
  const { 'if-match': match, 'if-none-match': noMatch } = request.headers;
  if (match !== undefined) return { meets: true, digests: digestsOf(match) };
  return noMatch === undefined ? undefined : { meets: false, digests: digestsOf(noMatch) };
}

/** An entity tag that is no digest is that of nothing here. */
function digestsOf(list: string): Digest[] | 'any' {
  if (list.trim() === '*') return 'any';
  const tags = list.split(',').map((part) => /^(?:W\/)?"([^"]*)"$/.exec(part.trim())?.[1] ?? '');
  return tags.filter(isDigest);
}
