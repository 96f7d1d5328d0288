import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/images/digest.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { RegistryStore } from '../../src/stores/registry/registry.ts';
import type { RegistryClaims } from '../../src/stores/registry/roots.ts';
import type { RepositoryStore } from '../../src/stores/repositories/repositories.ts';
import { version } from './registry-version.ts';

export interface OpenRegistryHistory {
  store: RegistryStore & RegistryClaims;
  repositories: RepositoryStore;
  /** What the content store would record of a blob. */
  addBlob(digest: Digest, size: number): Promise<void>;
  close(): Promise<void>;
}

const ID = { location: 'eu', project: 'shop', repository: 'images' };
const API = 'eu/shop/images/api';
const WEB = 'eu/shop/images/web';
const OTHER = 'eu/other/images/api';

/** What every implementation of RegistryStore promises about time travel, events and sizes. */
export function registryHistorySuite(
  name: string,
  open: (options: { clock: Clock }) => Promise<OpenRegistryHistory>,
): void {
  describe(`registry store, history: ${name}`, () => {
    let now = 0;
    let registry: OpenRegistryHistory;
    let store: OpenRegistryHistory['store'];
    beforeEach(async () => {
      now = 1_000;
      registry = await open({ clock: { now: () => now } });
      store = registry.store;
    });
    afterEach(() => registry.close());

    describe('looking back and around', () => {
      it('says what a tag meant at a moment', async () => {
        await store.putManifest(API, version('one', { tags: ['latest'] }));
        now = 2_000;
        await store.putManifest(API, version('two', { tags: ['latest'] }));
        now = 3_000;
        await store.deleteTag(API, 'latest', 'ada');
        expect(await store.tagAt(API, 'latest', 999)).toBeUndefined();
        expect(await store.tagAt(API, 'latest', 1_000)).toMatchObject({ digest: digestOf('one'), until: 2_000 });
        expect(await store.tagAt(API, 'latest', 1_999)).toMatchObject({ digest: digestOf('one') });
        expect(await store.tagAt(API, 'latest', 2_000)).toMatchObject({ digest: digestOf('two'), endedBy: 'ada' });
        expect(await store.tagAt(API, 'latest', 3_000)).toBeUndefined();
        expect(await store.tagAt(WEB, 'latest', 1_000)).toBeUndefined();
      });

      it('finds everything that carries a tag', async () => {
        for (const key of [WEB, OTHER, API]) await store.putManifest(key, version(key, { tags: ['4f2c1e9'] }));
        await store.putManifest('eu/shop/imagesque/api', version('other', { tags: ['latest'] }));
        expect(await store.tagged('4f2c1e9')).toEqual([
          { repository: OTHER, digest: digestOf(OTHER), since: 1_000 },
          { repository: API, digest: digestOf(API), since: 1_000 },
          { repository: WEB, digest: digestOf(WEB), since: 1_000 },
        ]);
        expect((await store.tagged('4f2c1e9', 'eu/shop/')).map((one) => one.repository)).toEqual([API, WEB]);
        expect(await store.tagged('never')).toEqual([]);
      });

      it('lists versions with their tags and children', async () => {
        await store.putManifest(API, version('amd64'));
        await store.putManifest(API, version('index', { children: [digestOf('amd64')], tags: ['b', 'a'] }));
        await store.putManifest(WEB, version('index', { tags: ['c'] }));
        const versions = await store.versions(API, { limit: 10 });
        expect(new Map(versions.map((one) => [one.digest, [one.tags, one.children]]))).toEqual(
          new Map([
            [digestOf('amd64'), [[], []]],
            [digestOf('index'), [['a', 'b'], [digestOf('amd64')]]],
          ]),
        );
        const [first] = await store.versions(API, { limit: 1 });
        expect(await store.versions(API, { limit: 10, after: first?.digest })).toEqual(versions.slice(1));
      });
    });

    describe('events', () => {
      it('tell of every change, in order', async () => {
        await store.putManifest(API, version('one', { tags: ['latest'], actor: 'ada' }));
        now = 2_000;
        await store.putManifest(API, version('two', { tags: ['latest'], actor: 'ben' }));
        await store.putManifest(API, version('two', { tags: ['latest'], actor: 'ben' }));
        await store.deleteManifest(API, digestOf('two'), 'cem');
        await store.undelete(API, digestOf('two'), 'dan');
        await store.deleteTag(API, 'latest', 'eva');
        const on = { repository: API };
        const [one, two] = [digestOf('one'), digestOf('two')];
        const events = await store.events({ limit: 100 });
        expect(events.map(({ id: _, at: __, ...event }) => event)).toEqual([
          { actor: 'ada', action: 'create-repository', repository: 'eu/shop/images' },
          { actor: 'ada', action: 'push', ...on, digest: one },
          { actor: 'ada', action: 'tag', ...on, digest: one, tag: 'latest' },
          { actor: 'ben', action: 'push', ...on, digest: two },
          { actor: 'ben', action: 'tag', ...on, digest: two, tag: 'latest', before: one },
          { actor: 'cem', action: 'untag', ...on, digest: two, tag: 'latest' },
          { actor: 'cem', action: 'delete', ...on, digest: two },
          { actor: 'dan', action: 'undelete', ...on, digest: two },
          { actor: 'dan', action: 'tag', ...on, digest: two, tag: 'latest' },
          { actor: 'eva', action: 'untag', ...on, digest: two, tag: 'latest' },
        ]);
        expect(events.map((event) => event.at).slice(0, 4)).toEqual([1_000, 1_000, 1_000, 2_000]);
        expect(await store.events({ limit: 2, after: events[3]?.id })).toEqual(events.slice(4, 6));
        expect(await store.latestEvents({ limit: 2 })).toEqual(events.slice(-2).reverse());
      });

      it('are found by project, and below a repository or an image', async () => {
        const beside = 'eu/shop/images-2/api';
        for (const key of [API, OTHER, WEB, beside]) await store.putManifest(key, version(key));
        const names = async (filter: { project?: string; below?: string }) =>
          (await store.events({ ...filter, limit: 100 })).map((event) => `${event.action} ${event.repository}`);
        expect(await names({ project: 'other' })).toEqual(['create-repository eu/other/images', `push ${OTHER}`]);
        expect(await names({ below: API })).toEqual([`push ${API}`]);
        const own = ['create-repository eu/shop/images', `push ${API}`, `push ${WEB}`];
        expect(await names({ below: 'eu/shop/images' })).toEqual(own);
        const others = ['create-repository eu/shop/images-2', `push ${beside}`];
        expect(await names({ below: 'eu/shop' })).toEqual([...own, ...others]);
      });

      it('are not there when the change is not', async () => {
        await registry.repositories.create({ ...ID, immutableTags: true }, 'ada');
        await store.putManifest(API, version('one', { tags: ['v1'] }));
        const before = await store.events({ limit: 100 });
        await expect(store.putManifest(API, version('two', { tags: ['v1'] }))).rejects.toThrow();
        expect(await store.events({ limit: 100 })).toEqual(before);
      });

      it('are dropped when they are old, and their numbers never come again', async () => {
        await store.putManifest(API, version('one'));
        now = 2_000;
        await store.putManifest(API, version('two'));
        const last = (await store.latestEvents({ limit: 1 }))[0]?.id ?? 0;
        expect(await store.dropEvents(2_000)).toBe(2);
        expect(await store.events({ limit: 10 })).toHaveLength(1);
        expect(await store.dropEvents(3_000)).toBe(1);
        await store.putManifest(API, version('three'));
        expect((await store.events({ limit: 1 }))[0]?.id).toBeGreaterThan(last);
      });
    });

    describe('sizes', () => {
      const push = async (key: string, text: string, layers: Record<string, number>) => {
        for (const [layer, size] of Object.entries(layers)) {
          await registry.addBlob(digestOf(layer), size);
          await store.linkBlob(key, digestOf(layer));
        }
        const blobs = Object.keys(layers).map((layer) => digestOf(layer));
        await store.putManifest(key, version(text, { size: 1, blobs, tags: [text] }));
      };

      it('count every blob once, and tell what is shared', async () => {
        await push(API, 'one', { base: 1_000, a: 200 });
        await push(API, 'two', { base: 1_000, b: 30 });
        await push(WEB, 'three', { base: 1_000, a: 200, c: 4_000 });
        await push(OTHER, 'two', { b: 30 });
        await store.linkBlob(API, digestOf('of a broken push'));
        expect(await store.size(API)).toEqual({ bytes: 1_232, ownBytes: 1 });
        expect(await store.size(WEB)).toEqual({ bytes: 5_201, ownBytes: 4_001 });
        expect(await store.size('eu/shop/images/')).toEqual({ bytes: 5_233, ownBytes: 5_202 });
        expect(await store.size('eu/')).toEqual({ bytes: 5_233, ownBytes: 5_233 });
        expect(await store.size('eu/shop/nothing/')).toEqual({ bytes: 0, ownBytes: 0 });
      });

      it('leave out what was deleted', async () => {
        await push(API, 'one', { base: 1_000 });
        await push(WEB, 'two', { base: 1_000, a: 200 });
        await store.deleteManifest(WEB, digestOf('two'), 'ada');
        expect(await store.size(WEB)).toEqual({ bytes: 0, ownBytes: 0 });
        expect(await store.size(API)).toEqual({ bytes: 1_001, ownBytes: 1_001 });
        await store.undelete(WEB, digestOf('two'), 'ada');
        expect(await store.size(WEB)).toEqual({ bytes: 1_201, ownBytes: 201 });
        await push(OTHER, 'three', { a: 200 });
        expect(await store.size(WEB)).toEqual({ bytes: 1_201, ownBytes: 1 });
        await registry.repositories.remove({ ...ID, project: 'other' }, 'ada');
        expect(await store.size(WEB)).toEqual({ bytes: 1_201, ownBytes: 201 });
      });

      it('go on beyond a page', async () => {
        const layers = Object.fromEntries(Array.from({ length: 2_100 }, (_, i) => [`layer ${i}`, 1]));
        await push(API, 'one', layers);
        expect(await store.size(API)).toEqual({ bytes: 2_101, ownBytes: 2_101 });
      });
    });
  });
}
