import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const NOT_SIGNED = 'X-Amz-Signature';

/**
 * Whether a request is signed as Signature Version 4 has it, in its header or its query: worked out anew from what came over the
 * wire, because s3rver believes whoever names its key.
 */
export function isSigned(request: IncomingMessage, secret: string): boolean {
  const url = new URL(request.url ?? '/', 'http://any');
  const query = [...url.searchParams].map(([name, value]) => [encode(name), encode(value)] as const);
  const claim = claimOf(request, url.searchParams);
  if (claim === undefined) return false;
  const headers = claim.signedHeaders.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`).join('');
  const canonical = [
    request.method,
    url.pathname,
    query
      .filter(([name]) => name !== NOT_SIGNED)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
    headers,
    claim.signedHeaders.join(';'),
    claim.payload,
  ].join('\n');
  const [, ...scope] = claim.credential.split('/');
  const text = ['AWS4-HMAC-SHA256', claim.date, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret}`);
  return hmac(key, text).toString('hex') === claim.signature;
}

interface Claim {
  credential: string;
  signedHeaders: string[];
  signature: string;
  date: string;
  /** SHA-256 of the body in hexadecimal, or a word that says it isn't signed. */
  payload: string;
}

function claimOf(request: IncomingMessage, query: URLSearchParams): Claim | undefined {
  const header = request.headers.authorization;
  if (header === undefined) {
    const [credential, names, signature, date] = ['Credential', 'SignedHeaders', 'Signature', 'Date'].map((name) =>
      query.get(`X-Amz-${name}`),
    );
    if (!credential || !names || !signature || !date) return undefined;
    return { credential, signedHeaders: names.split(';'), signature, date, payload: 'UNSIGNED-PAYLOAD' };
  }
  const match = /Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(header);
  if (match === null) return undefined;
  const [, credential = '', names = '', signature = ''] = match;
  const of = (name: string) => String(request.headers[name] ?? '');
  return {
    credential,
    signedHeaders: names.split(';'),
    signature,
    date: of('x-amz-date'),
    payload: of('x-amz-content-sha256'),
  };
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
