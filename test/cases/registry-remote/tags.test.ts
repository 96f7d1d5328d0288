import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { meaningBetween } from '../../../src/stores/upstream/sightings.ts';
import { type PlantedImage, PlantedUpstream } from './planted-upstream.ts';
import { key, RemoteHouse } from './remote-house.ts';

let upstream: PlantedUpstream;
let house: RemoteHouse;
let image: PlantedImage;

beforeEach(async () => {
  upstream = await PlantedUpstream.start();
  house = await RemoteHouse.open();
  await house.remote('hub', `http://${upstream.host}`);
  image = upstream.image('team/app:1', 'one');
});
afterEach(async () => {
  await house.close();
  await upstream.stop();
});

const app = key('hub/team/app');
const pull = (reference = '1', options = {}) => house.pulls.manifest(app, reference, options);

/** Pulled once; the upstream's counts begin anew. */
async function pulled(): Promise<void> {
  expect(await pull()).toMatchObject({ stored: true, warnings: [], manifest: { digest: image.digest } });
  expect(upstream.took()).toEqual(['HEAD manifests tag', 'GET manifests digest']);
}

describe('a tag of a remote repository', () => {
  it('costs one HEAD and one GET, and nothing while it is fresh', async () => {
    await pulled();
    expect(await pull()).toMatchObject({ manifest: { digest: image.digest }, warnings: [] });
    expect(upstream.took()).toEqual([]);
    expect((await house.registry.tags(app, { limit: 10 })).map((tag) => tag.name)).toEqual(['1']);
  });

  it('is checked by HEAD alone when it is no longer fresh, and fetched when it has changed', async () => {
    await pulled();
    house.pass(61);
    expect(await pull()).toMatchObject({ warnings: [] });
    expect(upstream.took()).toEqual(['HEAD manifests tag']);
    house.pass(61);
    const next = upstream.image('team/app:1', 'two');
    expect(await pull()).toMatchObject({ manifest: { digest: next.digest }, warnings: [] });
    expect(upstream.took()).toEqual(['HEAD manifests tag', 'GET manifests digest']);
    expect((await house.registry.history(app, '1')).map((move) => move.digest)).toEqual([next.digest, image.digest]);
  });

  it('that moves back to what is kept is moved here without a byte', async () => {
    await pulled();
    house.pass(61);
    upstream.image('team/app:1', 'two');
    await pull();
    upstream.took();
    house.pass(61);
    upstream.tags.set('team/app:1', image.digest);
    expect(await pull()).toMatchObject({ manifest: { digest: image.digest } });
    expect(upstream.took()).toEqual(['HEAD manifests tag']);
    expect((await house.registry.manifest(app, '1'))?.digest).toBe(image.digest);
  });

  it('is answered to HEAD by HEAD, and gets its tag when the digest is pulled, as docker does it', async () => {
    expect(await pull('1', { head: true })).toMatchObject({ stored: false, manifest: { digest: image.digest } });
    expect(upstream.took()).toEqual(['HEAD manifests tag']);
    await pull(image.digest);
    expect(upstream.took()).toEqual(['GET manifests digest']);
    await upstream.stop();
    house.pass(61);
    expect(await pull()).toMatchObject({ manifest: { digest: image.digest } });
    await upstream.listen();
  });

  it('is asked for once, however many want it at the same time', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    upstream.plan = async () => {
      await gate;
      return false;
    };
    const all = Promise.all(Array.from({ length: 20 }, () => pull()));
    await new Promise((resolve) => setTimeout(resolve, 50));
    open();
    for (const found of await all) expect(found).toMatchObject({ manifest: { digest: image.digest } });
    expect(upstream.took()).toEqual(['HEAD manifests tag', 'GET manifests digest']);
  });

  it('is fresh for as long as the repository says now, also what was fetched before', async () => {
    await pulled();
    house.pass(30);
    const { remote } = (await house.repositories.list())[0] ?? {};
    if (remote === undefined) throw new Error('no remote repository');
    const id = { location: 'europe-central2', project: 'p', repository: 'hub' };
    await house.repositories.update(id, { remote: { ...remote, freshSeconds: 10 } }, 'owner');
    await pull();
    expect(upstream.took()).toEqual(['HEAD manifests tag']);
  });

  it('nobody has ever had is not there', async () => {
    expect(await pull('none')).toBeUndefined();
    expect(await house.pulls.manifest(key('hub/nothing'), 'latest')).toBeUndefined();
  });

  it('that is no tag never reaches upstream', async () => {
    for (const reference of ['../../secret/manifests/1', '..', '1?x=y', '1#x', 'sha256:abc', '%2e%2e', 'a/b', ''])
      expect(await pull(reference), reference).toBeUndefined();
    expect(upstream.took()).toEqual([]);
  });

  it('of an upstream without HEAD is fetched when it is no longer fresh', async () => {
    upstream.plan = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      return request.method === 'HEAD';
    };
    expect(await pull()).toMatchObject({ manifest: { digest: image.digest }, warnings: [] });
    upstream.took();
    await pull();
    expect(upstream.took()).toEqual([]);
    house.pass(61);
    const next = upstream.image('team/app:1', 'two');
    expect(await pull()).toMatchObject({ manifest: { digest: next.digest }, warnings: [] });
  });
});

describe('a copy is served with a warning, and stays, when upstream', () => {
  const failures: [what: string, status: number][] = [
    ['wants fewer requests (429)', 429],
    ['fails (500)', 500],
    ['is overloaded (503)', 503],
    ['asks for a login (401)', 401],
    ['denies (403)', 403],
  ];
  it.each(failures)('%s', async (_, status) => {
    await pulled();
    house.pass(61);
    upstream.plan = (_request, response) => {
      response.writeHead(status).end();
      return true;
    };
    const found = await pull();
    expect(found).toMatchObject({ manifest: { digest: image.digest }, stored: true });
    expect(found?.warnings[0]).toContain('could not be asked');
    expect(upstream.took()).toEqual(['HEAD manifests tag']);
    expect((await pull())?.warnings).toHaveLength(1);
    expect(upstream.took()).toEqual([]); // it is left alone for a while
    upstream.plan = () => false;
    house.pass(61);
    expect((await pull())?.warnings).toEqual([]);
  });

  it('refuses the connection', async () => {
    await pulled();
    house.pass(61);
    await upstream.stop();
    expect((await pull())?.warnings[0]).toMatch(/connection refused|hang up|ECONNRESET/);
    await expect(pull('other')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await house.pulls.upstreamStates()).toMatchObject([
      { repository: key('hub'), failure: { since: house.clock.at } },
    ]);
    await upstream.listen();
  });

  it('has no address any more', async () => {
    await house.remote('lost', 'http://upstream.invalid', { freshSeconds: 0 });
    await expect(house.pulls.manifest(key('lost/team/app'), '1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('does not answer', async () => {
    await pulled();
    house.pass(61);
    upstream.plan = () => true;
    const began = Date.now();
    expect((await pull())?.warnings[0]).toContain('no answer within 0.3 s');
    expect(Date.now() - began).toBeLessThan(5000);
  });

  it('has another digest under the tag and refuses to give it', async () => {
    await pulled();
    house.pass(61);
    upstream.image('team/app:1', 'two');
    upstream.plan = (request, response) => {
      if (request.method === 'GET') response.writeHead(429).end();
      return request.method === 'GET';
    };
    expect(await pull()).toMatchObject({ manifest: { digest: image.digest }, warnings: [expect.any(String)] });
  });

  it('has another digest under the tag and refuses to give it: HEAD then promises what is kept, as docker needs it', async () => {
    await pulled();
    house.pass(61);
    const next = upstream.image('team/app:1', 'two');
    upstream.plan = (request, response) => {
      if (request.method === 'GET') response.writeHead(429).end();
      return request.method === 'GET';
    };
    expect(await pull('1', { head: true })).toMatchObject({ manifest: { digest: image.digest }, stored: true });
    upstream.plan = () => false;
    house.pass(61);
    expect(await pull('1', { head: true })).toMatchObject({ manifest: { digest: next.digest }, stored: true });
  });

  it('has the tag no longer: that is noted with its date, and forgotten when it comes back', async () => {
    await pulled();
    house.pass(61);
    upstream.tags.delete('team/app:1');
    const found = await pull();
    expect(found).toMatchObject({ manifest: { digest: image.digest }, stored: true });
    expect(found?.warnings[0]).toContain('has no team/app:1 any more (noticed 2026-09-01T00:01:01.000Z)');
    const name = { host: upstream.host, repository: 'team/app', tag: '1' };
    expect(await house.rows.latest(name)).toMatchObject({ digest: image.digest, vanishedAt: house.clock.at });
    upstream.took();
    await pull();
    expect(upstream.took()).toEqual([]);
    upstream.tags.set('team/app:1', image.digest);
    house.pass(61);
    expect((await pull())?.warnings).toEqual([]);
    expect(await house.rows.seen(name)).toHaveLength(2);
  });
});

describe('a digest of a remote repository', () => {
  it('is asked for once in its life, and is a pin with the date of its last pull', async () => {
    await pull(image.digest);
    expect(upstream.took()).toEqual(['GET manifests digest']);
    house.pass(7200);
    await upstream.stop();
    expect(await pull(image.digest)).toMatchObject({ manifest: { digest: image.digest }, warnings: [] });
    expect(await house.rows.pulls(app, [image.digest])).toEqual([
      { digest: image.digest, lastPulled: house.clock.at, pinnedAt: house.clock.at },
    ]);
    await upstream.listen();
  });

  it('survives a housekeeping that finds no tag on it', async () => {
    await pull(image.digest);
    await house.registry.dropUnusedLinks(Date.now() + 1);
    expect(await house.registry.claimed([image.digest, image.config])).toHaveLength(2);
  });

  it('is refused when upstream sends other bytes', async () => {
    upstream.plan = (request, response) => {
      if (request.method !== 'GET') return false;
      response
        .writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' })
        .end('{"schemaVersion":2}');
      return true;
    };
    await expect(pull(image.digest)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await house.registry.exists(app)).toBe(false);
  });
});

it('keeps what a tag meant: "which digest was it on 30 September?"', async () => {
  const name = { host: upstream.host, repository: 'team/app', tag: '1' };
  const day = (date: string) => [Date.parse(`${date}T00:00:00Z`), Date.parse(`${date}T23:59:59Z`)] as const;
  await pull(); // 1 September
  house.pass(29.5 * 86_400); // 30 September
  await pull();
  house.pass(10 * 86_400); // 10 October
  const next = upstream.image('team/app:1', 'two');
  await pull();
  const seen = await house.rows.seen(name);
  expect(meaningBetween(seen, ...day('2026-09-30')).within.map((run) => run.digest)).toEqual([image.digest]);
  expect(meaningBetween(seen, ...day('2026-10-10')).within.map((run) => run.digest)).toEqual([next.digest]);
  expect(meaningBetween(seen, ...day('2026-10-05'))).toMatchObject({
    within: [],
    before: { digest: image.digest },
    after: { digest: next.digest },
  });
  expect(meaningBetween(seen, ...day('2026-08-01'))).toMatchObject({ within: [], before: undefined });
});

it('reads the quota off each answer, by host and account', async () => {
  upstream.headers = {
    'ratelimit-limit': '100;w=21600',
    'ratelimit-remaining': '76;w=21600',
    'docker-ratelimit-source': '203.0.113.7',
  };
  await pull();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const quota = { limit: 100, remaining: 76, window: 21_600, source: '203.0.113.7', seenAt: house.clock.at };
  expect(await house.pulls.upstreamStates()).toEqual([
    {
      repository: key('hub'),
      host: upstream.host,
      url: `http://${upstream.host}`,
      username: '',
      failure: undefined,
      quota: { ...quota, host: upstream.host, username: '' },
    },
  ]);
});

describe('a list of tags of a remote repository', () => {
  const tags = () => house.pulls.tags(app, { limit: 10 });

  it('is asked for once by all who wait for it, and names nothing that is no tag', async () => {
    upstream.tags.set('team/app:../../x', image.digest);
    const lists = await Promise.all([tags(), tags(), tags()]);
    expect(lists.map((list) => list?.entries)).toEqual([['1'], ['1'], ['1']]);
    expect(upstream.took()).toHaveLength(1);
  });

  it('of an upstream that never ends takes a bound of memory, and leaves what is kept', async () => {
    await pulled();
    let pages = 0;
    const page = JSON.stringify({ tags: Array.from({ length: 30_000 }, (_, i) => `${'x'.repeat(120)}${i}`) });
    upstream.plan = (request, response) => {
      if (!request.url?.includes('/tags/list')) return false;
      pages++;
      response.writeHead(200, { link: `</v2/team/app/tags/list?last=${pages}>; rel="next"` }).end(page);
      return true;
    };
    expect(await tags()).toEqual({ entries: ['1'], warnings: [expect.stringContaining('longer than')] });
    expect(pages).toBeLessThan(12);
  });
});
