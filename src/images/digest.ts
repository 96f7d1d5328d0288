import { createHash, type Hash } from 'node:crypto';
import { Problem } from '../lib/problem.ts';

/** `algorithm:hex` of OCI image-spec (descriptor.md, Digests); only the two registered algorithms. */
export type Digest = `sha256:${string}` | `sha512:${string}`;
export type DigestAlgorithm = 'sha256' | 'sha512';

const SHAPE = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export function isDigest(text: string): text is Digest {
  return SHAPE.test(text);
}

/** @throws Problem `invalid` when the text is no sha256 or sha512 digest */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Problem('invalid', `invalid digest: ${JSON.stringify(text.slice(0, 150))}`, {
    hint: 'A digest is sha256: and 64 hexadecimal digits, or sha512: and 128, all in lower case.',
  });
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The 12 digits that clients show. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}

export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** Measures bytes as they pass; the digest is not known before the last of them (`finish`). */
export class Digester {
  readonly algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  size = 0;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.size += chunk.length;
    this.#hash.update(chunk);
  }

  finish(): Digest {
    return `${this.algorithm}:${this.#hash.digest('hex')}` as Digest;
  }
}
