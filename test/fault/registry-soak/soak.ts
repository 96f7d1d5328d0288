import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import { type Digest, isDigest } from '../../../src/images/digest.ts';
import { dataFolder } from '../../../src/lib/data-folder.ts';
import { Choices } from './choices.ts';
import { pullImage } from './image-pull.ts';
import { SHARED, SoakClient } from './soak-client.ts';
import { CutOff, RATE, SoakServer } from './soak-server.ts';

const CLIENTS = 16;
const KILL_EVERY_MS = 20_000;
/** A server that has just come up is left alone for so long. */
const LEAST_UP_MS = 2000;
const COLLECT_EVERY_MS = 300;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Untagged images of half the repositories go after seven hours, which no push takes. */
const POLICY = { id: 'untagged', action: 'delete', condition: { tagState: 'untagged', olderThan: 25_200 } } as const;

export interface SoakReport {
  seed: number;
  kills: number;
  /** Blobs that were collected while the clients worked. */
  collected: number;
  tags: number;
  done: Record<string, number>;
}

/**
 * Many clients at a registry that is collected all the time and killed now and then. Then: every acknowledged tag is there,
 * bit by bit; nothing is stored that nobody names; and with everything deleted nothing is left at all.
 */
export async function soak(ms: number, seed: number): Promise<SoakReport> {
  console.log(`soak of ${ms / 1000} s, seed ${seed}`);
  const origin = Date.now();
  let server = await SoakServer.start(origin);
  try {
    const names = Array.from({ length: CLIENTS }, (_, n) => `demo/team-${n}/app`);
    await prepare(server, names);
    const clients = names.map((_, n) => new SoakClient(server, seed, n, names));
    const until = Date.now() + ms;
    let failed = false;
    const over = () => failed || Date.now() > until;
    const noted = async (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        failed = true;
        throw error;
      });
    let collected = 0;
    const works = [
      killNowAndThen(server, new Choices(seed), over),
      collectOften(server, over).then((blobs) => {
        collected = blobs;
      }),
      ...clients.map((client) => client.work(over)),
    ];
    const ended = await Promise.allSettled(works.map(noted));
    for (const result of ended) if (result.status === 'rejected') throw result.reason;

    const tags = await expectPromisesKept(server, clients);
    await expectContent(server);
    server = await expectNothingOrphaned(server, origin);
    expect(await expectPromisesKept(server, clients)).toBe(tags);
    await expectEmptyInTheEnd(server, names);
    expect(await server.log()).not.toMatch(/"level":50/);
    return { seed, kills: server.kills, collected, tags, done: sum(clients) };
  } finally {
    await server.close();
  }
}

async function prepare(server: SoakServer, names: string[]): Promise<void> {
  for (const [n, name] of [...names, SHARED].entries()) {
    const settings = n % 2 === 0 ? { cleanupPolicies: [POLICY] } : {};
    await server.control((client) =>
      client.call('createRepository', { name: name.split('/').slice(0, 2).join('/'), settings }),
    );
  }
}

async function killNowAndThen(server: SoakServer, choices: Choices, over: () => boolean): Promise<void> {
  while (!over()) {
    for (const at = Date.now() + LEAST_UP_MS + choices.wait(KILL_EVERY_MS - LEAST_UP_MS); Date.now() < at; ) {
      if (over()) return;
      await setTimeout(100);
    }
    await server.kill();
  }
}

async function collectOften(server: SoakServer, over: () => boolean): Promise<number> {
  let collected = 0;
  while (!over()) {
    try {
      collected += (await server.prune()).blobs;
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
    await setTimeout(COLLECT_EVERY_MS);
  }
  return collected;
}

async function expectPromisesKept(server: SoakServer, clients: SoakClient[]): Promise<number> {
  const seen = new Set<string>();
  let tags = 0;
  for (const client of clients) tags += await client.check(seen);
  const pushed = new Set(clients.flatMap((client) => [...client.shared]));
  const { tags: shared } = JSON.parse((await server.send('GET', `/v2/${SHARED}/tags/list`)).body.toString()) as {
    tags: string[];
  };
  for (const tag of shared) {
    const digest = await pullImage(server, SHARED, tag, seen);
    expect(digest !== undefined && pushed.has(digest), `${SHARED}:${tag} means ${digest}`).toBe(true);
  }
  return tags + shared.length;
}

async function expectContent(server: SoakServer): Promise<void> {
  const said: unknown[] = [];
  await server.control((client) =>
    client.call('doctor', { verify: true, repair: false }, (line) => {
      // what containers need is another test's
      if (!line.ok && line.check !== 'containers' && line.check !== 'disk') said.push(line);
    }),
  );
  expect(said).toEqual([]);
}

/** Weeks later, whatever is stored is named by somebody. */
async function expectNothingOrphaned(server: SoakServer, origin: number): Promise<SoakServer> {
  await server.later(origin - (30 * DAY_MS) / RATE);
  await server.prune();
  await server.prune(); // strays and links of the round before
  const files = await blobFiles(server.data);
  await server.stop();
  const database = await openDatabase(dataFolder(server.data).database);
  try {
    const rows = await sqliteBlobRows(database).page(Number.MAX_SAFE_INTEGER, undefined, 1_000_000);
    expect(new Set(rows.map((row) => row.digest))).toEqual(new Set(files));
    const claimed = await new SqliteRegistry(database).claimed(files);
    expect(files.filter((digest) => !claimed.includes(digest))).toEqual([]);
  } finally {
    await database.destroy();
  }
  await server.restart();
  return server;
}

async function expectEmptyInTheEnd(server: SoakServer, names: string[]): Promise<void> {
  for (const name of [...names, SHARED])
    await server.control((client) => client.call('removeRepository', { name: name.split('/').slice(0, 2).join('/') }));
  await server.later(Date.now() - (60 * DAY_MS) / RATE);
  await server.prune();
  await server.prune();
  expect(await blobFiles(server.data)).toEqual([]);
  await server.later(Date.now() - (90 * DAY_MS) / RATE);
  await server.prune();
  expect(await readdir(join(server.data, 'trash'))).toEqual([]);
}

async function blobFiles(data: string): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const algorithm of ['sha256', 'sha512'])
    for (const prefix of await readdir(join(data, 'content', algorithm)).catch(() => []))
      for (const hex of await readdir(join(data, 'content', algorithm, prefix))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) found.push(digest);
      }
  return found.sort();
}

function sum(clients: SoakClient[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { done } of clients)
    for (const [name, times] of Object.entries(done)) total[name] = (total[name] ?? 0) + times;
  return total;
}
