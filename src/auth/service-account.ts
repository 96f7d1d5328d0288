import { createPublicKey } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { type Clock, systemClock } from '../lib/clock.ts';
import { messageOf, Problem } from '../lib/problem.ts';
import type { AccessTokens } from './access-token.ts';
import { FailureBrake } from './failure-brake.ts';
import type { Grant } from './identity.ts';
import {
  makeServiceAccountKey,
  type ServiceAccountKey,
  type ServiceAccountKeyInfo,
  type ServiceAccountKeyRows,
} from './service-account-key.ts';
import type { AccessToken, TokenInfo, TokenManager, TokenRows } from './tokens.ts';

/** Clocks of build machines and of this one may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 60;
/** RFC 7523 leaves it to the server; Google's limit, which its clients keep to. */
const LONGEST_ASSERTION_SECONDS = 3600;

/** What Google's libraries write as audience whatever the key's token_uri says. */
const GOOGLE_AUDIENCES = ['https://oauth2.googleapis.com/token', 'https://accounts.google.com/o/oauth2/token'];

export interface NewServiceAccount {
  note: string;
  /** The project that gcloud takes as its default from the file. */
  project: string;
  grants: Grant[];
  /** Our token endpoint, absolute, as the clients reach it. */
  tokenUri: string;
  /** Milliseconds since 1970. */
  expiresAt?: number | undefined;
}

export interface ServiceAccountParts {
  tokens: TokenManager;
  rows: TokenRows;
  keys: ServiceAccountKeyRows;
  access: AccessTokens;
  clock?: Clock;
  brake?: FailureBrake;
}

/** Whoever turns signed assertions into access tokens; what the token endpoint needs. */
export interface AssertionExchange {
  /** @throws Problem `unauthenticated` with the reason when the assertion proves nothing */
  exchange(assertion: string): Promise<AccessToken>;
}

/**
 * Service accounts: a token whose holder proves it by signing (RFC 7523) instead of showing the secret. Unmodified gcloud
 * and gsutil do that with a key file whose token_uri is ours, so a real Google token never travels to us.
 */
export class ServiceAccounts implements AssertionExchange {
  readonly #parts: ServiceAccountParts;
  readonly #clock: Clock;
  readonly #brake: FailureBrake;

  constructor(parts: ServiceAccountParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#brake = parts.brake ?? new FailureBrake(this.#clock);
  }

  /** A token of its own with a key file for it. The private key is kept by nobody but the caller. */
  async create(account: NewServiceAccount): Promise<{ info: TokenInfo; key: ServiceAccountKey }> {
    const { note, grants, expiresAt, project, tokenUri } = account;
    // the token's own secret is forgotten here: the key is the only way to prove it
    const { info } = await this.#parts.tokens.create({ note, grants, expiresAt });
    const made = await makeServiceAccountKey(info.id, project, tokenUri);
    await this.#parts.keys.addKey(made.info);
    return { info, key: made.key };
  }

  async exchange(assertion: string): Promise<AccessToken> {
    try {
      const key = await this.#keyOf(assertion);
      await this.#verify(assertion, key);
      const row = await this.#parts.rows.byId(key.tokenId);
      const now = this.#clock.now();
      if (row === undefined || (row.info.expiresAt ?? Number.POSITIVE_INFINITY) <= now)
        throw refused('the service account was revoked or has expired');
      await this.#parts.rows.touch(key.tokenId, now);
      return await this.#parts.access.issue(key.tokenId, row.info.expiresAt);
    } catch (error) {
      if (error instanceof Problem) await this.#brake.failed();
      throw error;
    }
  }

  /** The key that the assertion says it was signed with: by `kid`, or by issuer where a client leaves that out. */
  async #keyOf(assertion: string): Promise<ServiceAccountKeyInfo> {
    const said = readUnverified(assertion);
    const key =
      said.kid !== undefined
        ? await this.#parts.keys.keyById(said.kid)
        : await this.#parts.keys.keyByEmail(said.issuer ?? '');
    if (key === undefined || key.email !== said.issuer)
      throw refused(`unknown service account ${JSON.stringify(said.issuer ?? '')}`);
    return key;
  }

  async #verify(assertion: string, key: ServiceAccountKeyInfo): Promise<void> {
    const { payload } = await jwtVerify(assertion, createPublicKey(key.publicKey), {
      algorithms: ['RS256'],
      issuer: key.email,
      audience: [key.tokenUri, ...GOOGLE_AUDIENCES],
      requiredClaims: ['iat', 'exp'],
      maxTokenAge: LONGEST_ASSERTION_SECONDS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(this.#clock.now()),
    }).catch((error: unknown) => {
      throw refused(messageOf(error), error);
    });
    if ((payload.exp ?? 0) - (payload.iat ?? 0) > LONGEST_ASSERTION_SECONDS)
      throw refused('it is meant to be valid for more than an hour');
  }
}

function readUnverified(assertion: string): { kid?: string | undefined; issuer?: string | undefined } {
  try {
    return { kid: decodeProtectedHeader(assertion).kid, issuer: decodeJwt(assertion).iss };
  } catch (error) {
    throw refused('it is not a signed JSON web token', error);
  }
}

function refused(reason: string, cause?: unknown): Problem {
  return new Problem('unauthenticated', `the assertion is not accepted: ${reason}`, { cause });
}
