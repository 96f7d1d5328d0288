import { expect } from 'vitest';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { callRegistry, type RegistryAnswer, type Sending } from '../../wire/registry-call.ts';

/** What a registry may leave out, and profiles switch on. */
export type Feature = 'referrers' | 'anonymous mount' | 'cancel' | 'tag parameters';

/** One thing that a conforming registry does, under the name by which the runs of others can be compared with ours. */
export interface ConformanceCase {
  id: string;
  /** Only in profiles with this. */
  needs?: Feature;
  run(conversation: Conversation): Promise<void>;
}

/** A client of one registry with two repositories in it. */
export class Conversation {
  readonly repository: string;
  readonly other: string;
  readonly features: ReadonlySet<Feature>;
  readonly #host: string;
  readonly #secret: string;

  constructor(host: string, secret: string, run: string, features: ReadonlySet<Feature>) {
    this.#host = host;
    this.#secret = secret;
    this.repository = `conformance/${run}/first`;
    this.other = `conformance/${run}/second`;
    this.features = features;
  }

  /** @param path below `/v2/REPOSITORY/`, or a Location as it was answered */
  send(method: string, path: string, sending: Sending = {}, repository = this.repository): Promise<RegistryAnswer> {
    const whole = path.startsWith('/') ? path : `/v2/${repository}/${path}`;
    return callRegistry(this.#host, method, whole, { secret: this.#secret, ...sending });
  }
}

/** The Location of an answer as a path: registries may answer it with or without their own address. */
export function locationOf(answer: RegistryAnswer): string {
  const { pathname, search } = new URL(answer.headers.location ?? '', 'http://registry');
  expect(answer.headers.location, 'Location').toBeTruthy();
  return pathname + search;
}

/** Adds the digest to a Location, which may have a query already. */
export function withDigest(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}

/** That these bytes were answered, whole, with their length and digest. */
export function expectBytes(answer: RegistryAnswer, bytes: Buffer, digest: Digest): void {
  expect(answer.status, answer.body.subarray(0, 300).toString()).toBe(200);
  expect(answer.headers['content-length']).toBe(String(bytes.length));
  expect(answer.headers['docker-content-digest']).toBe(digest);
  expect(answer.body.equals(bytes), `bytes of ${digest}`).toBe(true);
}

/** The same of a HEAD, which has no body. */
export function expectHead(answer: RegistryAnswer, bytes: Buffer, digest: Digest): void {
  expect(answer.status).toBe(200);
  expect(answer.headers['content-length']).toBe(String(bytes.length));
  expect(answer.headers['docker-content-digest']).toBe(digest);
  expect(answer.body).toHaveLength(0);
}

/** A body of errors in the form of the spec. */
export function expectErrors(answer: RegistryAnswer, status: number): void {
  expect(answer.status, answer.body.toString()).toBe(status);
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    errors: [{ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) }],
  });
}

/** The digest of what nobody pushes. */
export function unknownDigest(algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return digestOf('what nobody ever pushes', algorithm);
}
