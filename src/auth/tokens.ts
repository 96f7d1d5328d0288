import type { Grant, Identity } from './identity.ts';

/**
 * Tokens: random (256 bits), shown once, kept as a sha256 only, compared in constant time. They never appear on a command
 * line or in a log. The implementation over rows is token-store.ts.
 *
 * Whoever holds a token may prove it in three ways: by its secret (`slw_...`), by a service-account key that was issued
 * for it (service-account.ts), or by a short-lived access token got for one of those (access-token.ts). All three end
 * when the token is revoked or expires.
 */
export interface TokenInfo {
  id: string;
  /** What the person called it; of a build's token the build id. */
  note: string;
  kind: 'token' | 'build';
  grants: Grant[];
  /** Milliseconds since 1970. */
  createdAt: number;
  expiresAt?: number | undefined;
  lastUsedAt?: number | undefined;
}

export interface NewToken {
  note: string;
  /** A build's token is revoked at its end, and may neither hold grants for all projects nor administer any. */
  kind?: 'token' | 'build';
  grants: Grant[];
  expiresAt?: number | undefined;
}

export interface Authenticator {
  /** The identity behind a token's secret (or a short-lived access token issued for one); undefined when unknown, revoked or expired. */
  verify(secret: string): Promise<Identity | undefined>;
}

export interface TokenManager extends Authenticator {
  create(token: NewToken): Promise<{ info: TokenInfo; secret: string }>;
  list(): Promise<TokenInfo[]>;
  revoke(id: string): Promise<boolean>;
}

/** A bearer token as token services answer it. */
export interface AccessToken {
  token: string;
  /** Seconds from now. */
  expiresIn: number;
}

export interface AccessTokenIssuer {
  /**
   * A short-lived token for the identity behind a secret; it never outlives the proof it was got for.
   * Undefined when the secret is unknown, revoked or expired.
   */
  accessTokenFor(secret: string): Promise<AccessToken | undefined>;
  /**
   * What a client may keep in place of the secret to ask for access tokens later: it opens nothing else, and ends with the
   * secret. Undefined as above.
   */
  refreshTokenFor(secret: string): Promise<string | undefined>;
  /** As `accessTokenFor`, for a refresh token. */
  accessTokenForRefresh(refreshToken: string): Promise<AccessToken | undefined>;
  /** For those who show nothing: it proves only that they came this way, and grants nothing. */
  anonymousAccessToken(): Promise<AccessToken>;
}

/** The rows; adapters implement it. */
export interface TokenRows {
  add(info: TokenInfo, secretHash: string): Promise<void>;
  byId(id: string): Promise<{ info: TokenInfo; secretHash: string } | undefined>;
  list(): Promise<TokenInfo[]>;
  remove(id: string): Promise<boolean>;
  touch(id: string, at: number): Promise<void>;
}
