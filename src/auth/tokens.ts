import type { Grant, Identity } from './identity.ts';

/**
 * Tokens: random (256 bits), shown once, kept as a sha256 only, compared in constant time. They never appear on a command
 * line or in a log. The implementation over rows is token-store.ts.
 */
export interface TokenInfo {
  id: string;
  /** What the person called it. */
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

/** The rows; adapters implement it. */
export interface TokenRows {
  add(info: TokenInfo, secretHash: string): Promise<void>;
  byHash(secretHash: string): Promise<TokenInfo | undefined>;
  list(): Promise<TokenInfo[]>;
  remove(id: string): Promise<boolean>;
  touch(id: string, at: number): Promise<void>;
}
