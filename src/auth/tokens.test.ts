import { Buffer } from 'node:buffer';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccessTokens, loadSigningKey } from './access-token.ts';
import { FailureBrake } from './failure-brake.ts';
import { ANONYMOUS, type Grant } from './identity.ts';
import { ServiceAccounts } from './service-account.ts';
import type { ServiceAccountKey, ServiceAccountKeyInfo, ServiceAccountKeyRows } from './service-account-key.ts';
import { TokenStore } from './token-store.ts';
import type { TokenInfo, TokenRows } from './tokens.ts';

const WRITER: Grant[] = [{ role: 'writer', project: 'shop' }];
const TOKEN_URI = 'http://127.0.0.1:7070/oauth2/token';
const HOUR = 3_600_000;

let now: number;
let rows: MemoryRows;
let delays: number[];
let tokens: TokenStore;
let accounts: ServiceAccounts;

beforeEach(() => {
  now = Date.parse('2026-01-02T03:04:05Z');
  rows = new MemoryRows();
  delays = [];
  const clock = { now: () => now };
  const access = new AccessTokens(Buffer.alloc(32, 7), clock);
  const brake = new FailureBrake(clock, async (ms) => void delays.push(ms));
  tokens = new TokenStore({ rows, keys: rows, access, clock, brake });
  accounts = new ServiceAccounts({ tokens, rows, keys: rows, access, clock, brake });
});

describe('a token', () => {
  it('is recognised by its secret, which is nowhere at rest', async () => {
    const { info, secret } = await tokens.create({ note: 'ci', grants: WRITER });
    expect(secret).toMatch(/^slw_[0-9a-f]{16}_[\w-]{43}$/);
    expect(await tokens.verify(secret)).toEqual({ kind: 'token', name: info.id, grants: WRITER });
    expect(JSON.stringify([...rows.tokens.values()])).not.toContain(secret.slice(22));
    expect(await tokens.list()).toMatchObject([{ id: info.id, note: 'ci', lastUsedAt: now }]);
  });

  it('is not recognised when one character is wrong, cut off, or another token’s', async () => {
    const { secret } = await tokens.create({ note: 'a', grants: WRITER });
    const other = await tokens.create({ note: 'b', grants: WRITER });
    const wrong = `${secret.slice(0, -2)}${secret.at(-2) === 'A' ? 'B' : 'A'}${secret.at(-1)}`;
    const mixed = other.secret.slice(0, 21) + secret.slice(21);
    for (const shown of ['', 'slw_', secret.slice(0, -1), wrong, mixed, 'a.b.c', '{', '{}', 'x'.repeat(1_000_000)])
      expect(await tokens.verify(shown), shown.slice(0, 30)).toBeUndefined();
  });

  it('ends when it is revoked, at once, also for access tokens got with it', async () => {
    const { info, secret } = await tokens.create({ note: 'build 4f2c', kind: 'build', grants: WRITER });
    const access = await tokens.accessTokenFor(secret);
    expect(await tokens.verify(secret)).toEqual({ kind: 'build', name: 'build 4f2c', grants: WRITER });
    expect(await tokens.verify(access?.token ?? '')).toBeDefined();
    expect(await tokens.revoke(info.id)).toBe(true);
    expect(await tokens.verify(secret)).toBeUndefined();
    expect(await tokens.verify(access?.token ?? '')).toBeUndefined();
    expect(await tokens.revoke(info.id)).toBe(false);
  });

  it('ends when it expires, also within the seconds that an answer is remembered', async () => {
    const { secret } = await tokens.create({ note: 'short', grants: WRITER, expiresAt: now + 2_000 });
    expect(await tokens.verify(secret)).toBeDefined();
    now += 2_000;
    expect(await tokens.verify(secret)).toBeUndefined();
  });

  it('asks the rows once in a few seconds, however often it is shown', async () => {
    const { secret } = await tokens.create({ note: 'busy', grants: WRITER });
    for (let i = 0; i < 50; i++) await tokens.verify(secret);
    expect(rows.reads).toBe(1);
    now += 6_000;
    await tokens.verify(secret);
    expect(rows.reads).toBe(2);
  });

  it('of a build can hold neither all projects nor the admin role', async () => {
    for (const grant of [{ role: 'reader', project: '*' } as const, { role: 'admin', project: 'shop' } as const])
      await expect(tokens.create({ note: 'b', kind: 'build', grants: [grant] })).rejects.toThrow('a build may hold');
  });
});

describe('access tokens', () => {
  it('last an hour, and never longer than what they were got for', async () => {
    const { secret } = await tokens.create({ note: 'ci', grants: WRITER });
    const access = await tokens.accessTokenFor(secret);
    expect(access?.expiresIn).toBe(3600);
    now += HOUR / 2;
    const again = await tokens.accessTokenFor(access?.token ?? '');
    expect(again?.expiresIn, 'renewing must not prolong').toBe(1800);
    now += HOUR / 2;
    expect(await tokens.verify(access?.token ?? '')).toBeUndefined();
    expect(await tokens.verify(again?.token ?? '')).toBeUndefined();
  });

  it('of somebody who showed nothing prove nothing', async () => {
    const { token } = await tokens.anonymousAccessToken();
    expect(await tokens.verify(token)).toEqual(ANONYMOUS);
  });

  it('signed with another key, or not signed, are refused', async () => {
    const { info } = await tokens.create({ note: 'ci', grants: WRITER });
    const forged = await new AccessTokens(Buffer.alloc(32, 8), { now: () => now }).issue(info.id);
    expect(await tokens.verify(forged.token)).toBeUndefined();
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: 'slipway', sub: info.id, exp: now / 1000 + 100 };
    expect(await tokens.verify(`${part({ alg: 'none' })}.${part(claims)}.x`)).toBeUndefined();
  });

  it('are signed with a key that only the owner can read, and that stays the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-key-'));
    try {
      const path = join(folder, 'signing-key');
      const key = await loadSigningKey(path);
      expect(key).toHaveLength(32);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await loadSigningKey(path)).toEqual(key);
      await writeFile(path, (await readFile(path, 'utf8')).slice(0, 10));
      await expect(loadSigningKey(path)).rejects.toThrow('64 hexadecimal digits');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('refresh tokens', () => {
  it('get access tokens, open nothing themselves, and end with the token', async () => {
    const { info, secret } = await tokens.create({ note: 'ci', grants: WRITER });
    const refresh = (await tokens.refreshTokenFor(secret)) ?? '';
    expect(await tokens.verify(refresh)).toBeUndefined();
    expect(await tokens.accessTokenFor(refresh)).toBeUndefined();
    expect(await tokens.refreshTokenFor(refresh)).toBeUndefined();
    now += 400 * 24 * HOUR;
    const access = await tokens.accessTokenForRefresh(refresh);
    expect(await tokens.verify(access?.token ?? '')).toMatchObject({ name: info.id, grants: WRITER });
    expect(await tokens.accessTokenForRefresh(access?.token ?? '')).toBeUndefined();
    await tokens.revoke(info.id);
    expect(await tokens.accessTokenForRefresh(refresh)).toBeUndefined();
  });

  it('never outlive the access token that they were got for', async () => {
    const { secret } = await tokens.create({ note: 'ci', grants: WRITER });
    const access = await tokens.accessTokenFor(secret);
    const refresh = (await tokens.refreshTokenFor(access?.token ?? '')) ?? '';
    now += HOUR - 1000;
    expect(await tokens.accessTokenForRefresh(refresh)).toMatchObject({ expiresIn: 1 });
    now += 1000;
    expect(await tokens.accessTokenForRefresh(refresh)).toBeUndefined();
  });
});

describe('wrong secrets', () => {
  it('are answered later and later after ten, right ones never; a quiet minute forgives', async () => {
    const { secret } = await tokens.create({ note: 'ci', grants: WRITER });
    for (let i = 0; i < 18; i++) await tokens.verify(`slw_wrong${i}`);
    expect(delays).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000]);
    expect(await tokens.verify(secret)).toBeDefined();
    expect(delays).toHaveLength(8);
    now += 61_000;
    await tokens.verify('slw_wrong');
    expect(delays).toHaveLength(8);
  });
});

describe('a service account', () => {
  let key: ServiceAccountKey;
  let info: TokenInfo;
  beforeEach(async () => {
    ({ key, info } = await accounts.create({ note: 'gcloud', project: 'shop', grants: WRITER, tokenUri: TOKEN_URI }));
  });

  it('gets an access token for what it signs, with its own rights', async () => {
    const access = await accounts.exchange(await sign(key));
    expect(access.expiresIn).toBe(3600);
    expect(await tokens.verify(access.token)).toEqual({ kind: 'token', name: info.id, grants: WRITER });
  });

  it('is recognised without kid, and with the audience that Google’s libraries write', async () => {
    await accounts.exchange(await sign(key, {}, { alg: 'RS256' }));
    await accounts.exchange(await sign(key, { aud: 'https://oauth2.googleapis.com/token' }));
  });

  it.each<[string, Record<string, unknown>]>([
    ['another audience', { aud: 'https://example.com/token' }],
    ['another issuer', { iss: 'somebody@shop.iam.gserviceaccount.com' }],
    ['an hour that is over', { iat: -7300, exp: -3700 }],
    ['a start in the future', { iat: 1000, exp: 2000 }],
    ['more than an hour of life', { exp: 7200 }],
  ])('is refused with %s', async (_, claims) => {
    await expect(accounts.exchange(await sign(key, claims))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is refused when another key signed in its name, or nobody did', async () => {
    const other = await accounts.create({ note: 'x', project: 'shop', grants: WRITER, tokenUri: TOKEN_URI });
    const forged = await sign({ ...key, private_key: other.key.private_key });
    for (const assertion of [forged, 'no.jwt.at-all', ''])
      await expect(accounts.exchange(assertion)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('ends with its token', async () => {
    const access = await accounts.exchange(await sign(key));
    await tokens.revoke(info.id);
    await expect(accounts.exchange(await sign(key))).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await tokens.verify(access.token)).toBeUndefined();
    expect(await tokens.verify(JSON.stringify(key))).toBeUndefined();
  });

  it('is recognised by its key file as a password, also in base64', async () => {
    const identity = { kind: 'token', name: info.id, grants: WRITER };
    const text = JSON.stringify(key, null, 2);
    expect(await tokens.verify(text)).toEqual(identity);
    expect(await tokens.verify(Buffer.from(text).toString('base64'))).toEqual(identity);
    const other = await accounts.create({ note: 'x', project: 'shop', grants: WRITER, tokenUri: TOKEN_URI });
    expect(await tokens.verify(JSON.stringify({ ...key, private_key: other.key.private_key }))).toBeUndefined();
  });
});

/** Signs as Google's libraries do; times in `claims` are seconds from now. */
async function sign(key: ServiceAccountKey, claims: Record<string, unknown> = {}, header?: { alg: string }) {
  const seconds = now / 1000;
  const payload = { iss: key.client_email, aud: key.token_uri, scope: 'cloud-platform', iat: 0, exp: 3600, ...claims };
  return new SignJWT({ ...payload, iat: seconds + Number(payload.iat), exp: seconds + Number(payload.exp) })
    .setProtectedHeader(header ?? { alg: 'RS256', typ: 'JWT', kid: key.private_key_id })
    .sign(await importPKCS8(key.private_key, 'RS256'));
}

class MemoryRows implements TokenRows, ServiceAccountKeyRows {
  readonly tokens = new Map<string, { info: TokenInfo; secretHash: string }>();
  readonly keys = new Map<string, ServiceAccountKeyInfo>();
  reads = 0;

  async add(info: TokenInfo, secretHash: string) {
    this.tokens.set(info.id, { info, secretHash });
  }
  async byId(id: string) {
    this.reads++;
    return this.tokens.get(id);
  }
  async list() {
    return [...this.tokens.values()].map((row) => row.info);
  }
  async remove(id: string) {
    for (const key of this.keys.values()) if (key.tokenId === id) this.keys.delete(key.id);
    return this.tokens.delete(id);
  }
  async touch(id: string, at: number) {
    const row = this.tokens.get(id);
    if (row !== undefined) row.info = { ...row.info, lastUsedAt: at };
  }
  async addKey(key: ServiceAccountKeyInfo) {
    this.keys.set(key.id, key);
  }
  async keyById(id: string) {
    return this.keys.get(id);
  }
  async keyByEmail(email: string) {
    return [...this.keys.values()].find((key) => key.email === email);
  }
}
