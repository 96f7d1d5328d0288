import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Links to a build's log page that open in a browser, which has no token: each carries a signature that allows to read this
 * one build and nothing else.
 */
export class LogLinks {
  readonly #secret: Uint8Array;
  readonly #publicUrl: string;

  /** @param secret 32 random bytes of this data folder; a new secret ends all links */
  constructor(publicUrl: string, secret: Uint8Array) {
    this.#publicUrl = publicUrl.replace(/\/+$/, '');
    this.#secret = secret;
  }

  url(build: string): string {
    return `${this.#publicUrl}/builds/${build}?key=${this.#sign(build)}`;
  }

  verify(build: string, key: string | undefined): boolean {
    const [want, have] = [Buffer.from(this.#sign(build)), Buffer.from(key ?? '')];
    return want.length === have.length && timingSafeEqual(want, have);
  }

  #sign(build: string): string {
    return createHmac('sha256', this.#secret).update(`log page of build ${build}`).digest('base64url');
  }
}
