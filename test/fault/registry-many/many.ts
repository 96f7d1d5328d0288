import { expect } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { Semaphore } from '../../../src/lib/semaphore.ts';
import type { RegistryProcess } from './registry-process.ts';

const AT_A_TIME = 16;

/** Runs `work` for 0 to `count`, some at a time. */
async function each(count: number, work: (n: number) => Promise<void>): Promise<void> {
  const room = new Semaphore(AT_A_TIME);
  await Promise.all(Array.from({ length: count }, (_, n) => room.with(() => work(n))));
}

/** Megabytes that the server has more of than before. */
async function growth(server: RegistryProcess, work: () => Promise<void>): Promise<number> {
  const before = await server.memory();
  await work();
  return (await server.memory()).peak - before.now;
}

/** Uploads that are begun and left: each stays what it was, and they cost neither open files nor much memory. */
export async function manySessions(server: RegistryProcess, count: number): Promise<void> {
  const locations: string[] = [];
  const files = await server.openFiles();
  const grown = await growth(server, () =>
    each(count, async (n) => {
      const begun = await server.send('POST', 'blobs/uploads/');
      expect(begun.status, begun.body.toString()).toBe(202);
      const location = begun.headers.location ?? '';
      locations[n] = location;
      const came = await server.send('PATCH', location, { body: Buffer.from(`session ${n}`) });
      expect(came.status, came.body.toString()).toBe(202);
    }),
  );
  expect(grown).toBeLessThan(120);
  expect(await server.openFiles()).toBeLessThan(files + 2 * AT_A_TIME + 8);
  expect(new Set(locations).size).toBe(count);
  for (const n of [0, Math.floor(count / 2), count - 1]) {
    const digest = digestOf(`session ${n}, ended`);
    const closed = await server.send('PUT', `${locations[n]}?digest=${digest}`, { body: Buffer.from(', ended') });
    expect(closed.status, closed.body.toString()).toBe(201);
  }
}

/** Tags by the thousand, read in pages and all at once. */
export async function manyTags(server: RegistryProcess, count: number): Promise<void> {
  const manifest = Buffer.from('{"schemaVersion":2,"manifests":[]}');
  const names = Array.from({ length: count }, (_, n) => `build-${String(n).padStart(7, '0')}`);
  const perRequest = 400;
  for (let n = 0; n < count; n += perRequest) {
    const query = names.slice(n, n + perRequest).map((name) => `tag=${name}`);
    const put = await server.send('PUT', `manifests/${digestOf(manifest)}?${query.join('&')}`, { body: manifest });
    expect(put.status, put.body.toString()).toBe(201);
  }
  const grown = await growth(server, async () => {
    for (const pageSize of [undefined, 1000]) {
      const listed: string[] = [];
      let path = pageSize === undefined ? 'tags/list' : `tags/list?n=${pageSize}`;
      while (path !== '') {
        const page = await server.send('GET', path);
        expect(page.status).toBe(200);
        expect(page.body.length).toBeLessThan(2 << 20);
        listed.push(...(JSON.parse(page.body.toString()) as { tags: string[] }).tags);
        path = /^<([^>]+)>; rel="next"$/.exec(String(page.headers['link'] ?? ''))?.[1] ?? '';
      }
      expect(listed).toEqual(names);
    }
  });
  expect(grown).toBeLessThan(120);
  for (const name of [names[0], names.at(-1)]) {
    expect((await server.send('HEAD', `manifests/${name}`)).headers['docker-content-digest']).toBe(digestOf(manifest));
  }
}

/** Manifests as long as they may be, and longer ones, many at a time. */
export async function largeManifests(server: RegistryProcess, count: number): Promise<void> {
  const limit = 4 << 20;
  const manifestOf = (n: number, size: number) => {
    const start = `{"schemaVersion":2,"manifests":[],"annotations":{"n":"${n}","filler":"`;
    return Buffer.from(`${start}${'x'.repeat(size - start.length - 3)}"}}`);
  };
  const grown = await growth(server, async () => {
    await each(count, async (n) => {
      const manifest = manifestOf(n, limit);
      const put = await server.send('PUT', `manifests/large-${n}`, { body: manifest });
      expect(put.status, put.body.toString()).toBe(201);
      const got = await server.send('GET', `manifests/large-${n}`);
      expect(got.body.equals(manifest)).toBe(true);
      for (const streamed of [false, true]) {
        const refused = await server.send('PUT', `manifests/longer-${n}`, { body: manifestOf(n, limit + 1), streamed });
        expect(refused.status).toBe(413);
        expect(refused.body.toString()).toContain('SIZE_INVALID');
      }
    });
  });
  expect(grown).toBeLessThan(400);
  expect((await server.send('GET', 'manifests/longer-0')).status).toBe(404);
}
