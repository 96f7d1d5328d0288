import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type AccessTokens, ANONYMOUS_SUBJECT } from './access-token.ts';
import { FailureBrake } from './failure-brake.ts';
import { ANONYMOUS, type Identity } from './identity.ts';
import { matchesPublicKey, readServiceAccountKey, type ServiceAccountKeyRows } from './service-account-key.ts';
import type { AccessToken, AccessTokenIssuer, NewToken, TokenInfo, TokenManager, TokenRows } from './tokens.ts';

/** Recognisable by secret scanners and by people; the id in it finds the row, the rest is the secret. */
const SECRET_SHAPE = /^slw_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const ACCESS_TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** A key file is about 2.4 kB; nothing longer is a secret of ours. */
const LONGEST_SECRET = 16 * 1024;

/** A docker push verifies the same token dozens of times a second. Revoking in this process empties the cache at once. */
const REMEMBER_MS = 5_000;
const REMEMBERED = 1_000;

/** "Last used" is for people who tidy up: to the minute is exact enough, and saves a write per request. */
const TOUCH_MS = 60_000;

/** Something shown that proves a token (or, for anonymous access tokens, nothing). */
interface Proof {
  token?: TokenInfo;
  /** Milliseconds since 1970. */
  expiresAt?: number | undefined;
}

export interface TokenStoreParts {
  rows: TokenRows;
  keys: ServiceAccountKeyRows;
  access: AccessTokens;
  clock?: Clock;
  brake?: FailureBrake;
}

/** Tokens over rows: makes them, and recognises every way of proving one. */
export class TokenStore implements TokenManager, AccessTokenIssuer {
  readonly #rows: TokenRows;
  readonly #keys: ServiceAccountKeyRows;
  readonly #access: AccessTokens;
  readonly #clock: Clock;
  readonly #brake: FailureBrake;
  readonly #remembered = new Map<string, { proof: Proof; until: number }>();
  #revocations = 0;

  constructor(parts: TokenStoreParts) {
    this.#rows = parts.rows;
    this.#keys = parts.keys;
    this.#access = parts.access;
    this.#clock = parts.clock ?? systemClock;
    this.#brake = parts.brake ?? new FailureBrake(this.#clock);
  }

  async create(token: NewToken): Promise<{ info: TokenInfo; secret: string }> {
    const kind = token.kind ?? 'token';
    if (kind === 'build' && token.grants.some((grant) => grant.project === '*' || grant.role === 'admin'))
      throw new Error('a build may hold grants for named projects only, and administers none');
    const id = randomBytes(8).toString('hex');
    const secret = `slw_${id}_${randomBytes(32).toString('base64url')}`;
    const { note, grants, expiresAt } = token;
    const info: TokenInfo = { id, note, kind, grants, createdAt: this.#clock.now(), expiresAt };
    await this.#rows.add(info, hash('sha256', secret, 'hex'));
    return { info, secret };
  }

  list(): Promise<TokenInfo[]> {
    return this.#rows.list();
  }

  async revoke(id: string): Promise<boolean> {
    const removed = await this.#rows.remove(id);
    this.#revocations++;
    this.#remembered.clear();
    return removed;
  }

  async verify(secret: string): Promise<Identity | undefined> {
    const proof = await this.#prove(secret);
    return proof === undefined ? undefined : identityOf(proof.token);
  }

  async accessTokenFor(secret: string): Promise<AccessToken | undefined> {
    const proof = await this.#prove(secret);
    if (proof === undefined) return undefined;
    return this.#access.issue(proof.token?.id ?? ANONYMOUS_SUBJECT, proof.expiresAt);
  }

  async refreshTokenFor(secret: string): Promise<string | undefined> {
    const proof = await this.#prove(secret);
    return proof?.token === undefined ? undefined : this.#access.issueRefresh(proof.token.id, proof.expiresAt);
  }

  async accessTokenForRefresh(refreshToken: string): Promise<AccessToken | undefined> {
    const claim = refreshToken.length > LONGEST_SECRET ? undefined : await this.#access.readRefresh(refreshToken);
    const proof = claim && (await this.#useById(claim.subject, this.#clock.now(), claim.expiresAt));
    if (proof?.token === undefined) {
      await this.#brake.failed();
      return undefined;
    }
    return this.#access.issue(proof.token.id, proof.expiresAt);
  }

  anonymousAccessToken(): Promise<AccessToken> {
    return this.#access.issue(ANONYMOUS_SUBJECT);
  }

  async #prove(secret: string): Promise<Proof | undefined> {
    const key = hash('sha256', secret, 'base64');
    const now = this.#clock.now();
    const known = this.#remembered.get(key);
    if (known !== undefined && now < known.until) return known.proof;
    const revocations = this.#revocations;
    const proof = secret.length > LONGEST_SECRET ? undefined : await this.#check(secret, now);
    if (proof === undefined) {
      await this.#brake.failed();
      return undefined;
    }
    // a revocation while we asked the rows may not be undone by remembering the older answer
    if (revocations === this.#revocations) this.#remember(key, proof, now);
    return proof;
  }

  async #check(secret: string, now: number): Promise<Proof | undefined> {
    const id = SECRET_SHAPE.exec(secret)?.[1];
    if (id !== undefined) {
      const row = await this.#rows.byId(id);
      if (row === undefined || !timingSafeEqual(sha256(secret), Buffer.from(row.secretHash, 'hex'))) return undefined;
      return this.#use(row.info, now);
    }
    if (ACCESS_TOKEN_SHAPE.test(secret)) {
      const claim = await this.#access.read(secret);
      if (claim === undefined) return undefined;
      if (claim.subject === ANONYMOUS_SUBJECT) return { expiresAt: claim.expiresAt };
      return this.#useById(claim.subject, now, claim.expiresAt);
    }
    const shown = readServiceAccountKey(jsonText(secret));
    if (shown === undefined) return undefined;
    const kept = await this.#keys.keyById(shown.id);
    if (kept === undefined || !matchesPublicKey(shown.privateKey, kept.publicKey)) return undefined;
    return this.#useById(kept.tokenId, now);
  }

  async #useById(id: string, now: number, notAfter?: number): Promise<Proof | undefined> {
    const row = await this.#rows.byId(id);
    return row === undefined ? undefined : this.#use(row.info, now, notAfter);
  }

  async #use(token: TokenInfo, now: number, notAfter = Number.POSITIVE_INFINITY): Promise<Proof | undefined> {
    const expiresAt = Math.min(token.expiresAt ?? Number.POSITIVE_INFINITY, notAfter);
    if (expiresAt <= now) return undefined;
    if (now - (token.lastUsedAt ?? 0) >= TOUCH_MS) await this.#rows.touch(token.id, now);
    return Number.isFinite(expiresAt) ? { token, expiresAt } : { token };
  }

  #remember(key: string, proof: Proof, now: number): void {
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size >= REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.delete(key);
    this.#remembered.set(key, { proof, until: Math.min(now + REMEMBER_MS, proof.expiresAt ?? now + REMEMBER_MS) });
  }
}

function identityOf(token: TokenInfo | undefined): Identity {
  if (token === undefined) return ANONYMOUS;
  return { kind: token.kind, name: token.kind === 'build' ? token.note : token.id, grants: token.grants };
}

function sha256(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}

/** `_json_key` brings the file's text, `_json_key_base64` the same in base64. */
function jsonText(secret: string): string {
  return secret.trimStart().startsWith('{') ? secret : Buffer.from(secret, 'base64').toString('utf8');
}
