import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { jwtVerify, SignJWT } from 'jose';
import { type Clock, systemClock } from '../lib/clock.ts';
import { writeDurably } from '../lib/durable-file.ts';
import { hasErrorCode } from '../lib/problem.ts';
import type { AccessToken } from './tokens.ts';

/** What Google's tokens have; clients refresh some minutes before it is over. */
const LIFETIME_SECONDS = 3600;
const ISSUER = 'slipway';
/** A refresh token is good at the token service alone: another issuer, so that no door takes it for an access token. */
const REFRESH_ISSUER = 'slipway refresh';

/** The subject of tokens that prove nothing. No token id looks like it. */
export const ANONYMOUS_SUBJECT = 'anonymous';

export interface AccessClaim {
  /** Token id, or `ANONYMOUS_SUBJECT`. */
  subject: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface RefreshClaim {
  /** Token id. */
  subject: string;
  /** Milliseconds since 1970; absent: until the token is revoked. */
  expiresAt?: number | undefined;
}

/**
 * Short-lived bearer tokens: signed statements "this is token ID, until T". Rights are not in them; they are read from
 * the token's row at each request, so that revoking it ends them at once.
 */
export class AccessTokens {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  /** @param key 32 random bytes, see `loadSigningKey` */
  constructor(key: Uint8Array, clock: Clock = systemClock) {
    this.#key = key;
    this.#clock = clock;
  }

  /** @param notAfter milliseconds since 1970: when the proof behind it ends, if it does */
  async issue(subject: string, notAfter?: number): Promise<AccessToken> {
    const now = Math.floor(this.#clock.now() / 1000);
    const left = notAfter === undefined ? LIFETIME_SECONDS : Math.floor(notAfter / 1000) - now;
    const expiresIn = Math.max(1, Math.min(LIFETIME_SECONDS, left));
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresIn)
      .sign(this.#key);
    return { token, expiresIn };
  }

  /** A statement that only the token service takes, for clients that keep it in place of the secret (docker login). */
  async issueRefresh(subject: string, notAfter?: number): Promise<string> {
    const token = new SignJWT()
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(REFRESH_ISSUER)
      .setSubject(subject)
      .setIssuedAt(Math.floor(this.#clock.now() / 1000));
    if (notAfter !== undefined) token.setExpirationTime(Math.floor(notAfter / 1000));
    return token.sign(this.#key);
  }

  /** What the token says; undefined when it isn't ours, was changed, or is over. */
  async read(token: string): Promise<AccessClaim | undefined> {
    const claim = await this.#verify(token, ISSUER);
    return claim?.expiresAt === undefined ? undefined : { subject: claim.subject, expiresAt: claim.expiresAt };
  }

  /** The same of a refresh token. */
  readRefresh(token: string): Promise<RefreshClaim | undefined> {
    return this.#verify(token, REFRESH_ISSUER);
  }

  async #verify(token: string, issuer: string): Promise<RefreshClaim | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        issuer,
        requiredClaims: ['sub'],
        currentDate: new Date(this.#clock.now()),
      });
      if (payload.sub === undefined) return undefined;
      return { subject: payload.sub, expiresAt: payload.exp === undefined ? undefined : payload.exp * 1000 };
    } catch {
      return undefined; // every way of being no valid token is the same to whoever shows it
    }
  }
}

/** The data folder's key for access tokens, made on first use; whoever can read it can be anybody, hence mode 0600. */
export async function loadSigningKey(path: string): Promise<Uint8Array> {
  try {
    const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'hex');
    if (key.length === 32) return key;
    throw new Error(`${path} does not hold 64 hexadecimal digits; remove it to have a new key made`);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
  const key = randomBytes(32);
  await writeDurably(path, `${key.toString('hex')}\n`, 0o600);
  return key;
}
