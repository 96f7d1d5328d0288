import type { Migration } from './migration.ts';

/** A service-account key is a second way to prove that one holds a token; it goes when the token goes. */
export const tokens: Migration = {
  name: '0003-tokens',
  up: [
    `create table tokens (
      id text primary key,
      secret_hash text not null,
      note text not null,
      kind text not null check (kind in ('token', 'build')),
      grants text not null,
      created_at integer not null,
      expires_at integer,
      last_used_at integer
    ) strict`,
    `create table service_account_keys (
      id text primary key,
      token_id text not null references tokens (id) on delete cascade,
      email text not null unique,
      public_key text not null,
      token_uri text not null
    ) strict`,
  ],
};
