import type { Kysely } from 'kysely';
import type { Grant } from '../../auth/identity.ts';
import type { ServiceAccountKeyInfo, ServiceAccountKeyRows } from '../../auth/service-account-key.ts';
import type { TokenInfo, TokenRows } from '../../auth/tokens.ts';
import type { Database } from './database.ts';

/** The tables of migration 0003. */
type TokenTables = {
  tokens: {
    id: string;
    secret_hash: string;
    note: string;
    kind: 'token' | 'build';
    grants: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
  };
  service_account_keys: { id: string; token_id: string; email: string; public_key: string; token_uri: string };
};

/** Tokens and the keys issued for them. Only the owner process has one. */
export class SqliteTokens implements TokenRows, ServiceAccountKeyRows {
  readonly #database: Kysely<TokenTables>;

  constructor(database: Database) {
    this.#database = database.withTables<TokenTables>();
  }

  async add(info: TokenInfo, secretHash: string): Promise<void> {
    await this.#database
      .insertInto('tokens')
      .values({
        id: info.id,
        secret_hash: secretHash,
        note: info.note,
        kind: info.kind,
        grants: JSON.stringify(info.grants),
        created_at: info.createdAt,
        expires_at: info.expiresAt ?? null,
        last_used_at: info.lastUsedAt ?? null,
      })
      .execute();
  }

  async byId(id: string): Promise<{ info: TokenInfo; secretHash: string } | undefined> {
    const row = await this.#database.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : { info: tokenInfo(row), secretHash: row.secret_hash };
  }

  async list(): Promise<TokenInfo[]> {
    const rows = await this.#database.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute();
    return rows.map(tokenInfo);
  }

  async remove(id: string): Promise<boolean> {
    const result = await this.#database.deleteFrom('tokens').where('id', '=', id).executeTakeFirst();
    return result.numDeletedRows > 0n;
  }

  async touch(id: string, at: number): Promise<void> {
    await this.#database.updateTable('tokens').set({ last_used_at: at }).where('id', '=', id).execute();
  }

  async addKey(key: ServiceAccountKeyInfo): Promise<void> {
    await this.#database
      .insertInto('service_account_keys')
      .values({
        id: key.id,
        token_id: key.tokenId,
        email: key.email,
        public_key: key.publicKey,
        token_uri: key.tokenUri,
      })
      .execute();
  }

  keyById(id: string): Promise<ServiceAccountKeyInfo | undefined> {
    return this.#key('id', id);
  }

  keyByEmail(email: string): Promise<ServiceAccountKeyInfo | undefined> {
    return this.#key('email', email);
  }

  async #key(column: 'id' | 'email', value: string): Promise<ServiceAccountKeyInfo | undefined> {
    return this.#database
      .selectFrom('service_account_keys')
      .select(['id', 'token_id as tokenId', 'email', 'public_key as publicKey', 'token_uri as tokenUri'])
      .where(column, '=', value)
      .executeTakeFirst();
  }
}

function tokenInfo(row: TokenTables['tokens']): TokenInfo {
  return {
    id: row.id,
    note: row.note,
    kind: row.kind,
    grants: JSON.parse(row.grants) as Grant[],
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
