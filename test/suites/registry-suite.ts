import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/images/digest.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { ManifestPut, RegistryStore } from '../../src/stores/registry/registry.ts';
import type { RegistryClaims } from '../../src/stores/registry/roots.ts';
import { version } from './registry-version.ts';

export interface OpenRegistry {
  store: RegistryStore & RegistryClaims;
  close(): Promise<void>;
}

const REPOSITORY = 'europe-central2/shop/images/api';
const OTHER = 'europe-central2/shop/images/web';

/** What every implementation of RegistryStore promises. */
export function registrySuite(name: string, open: (clock: Clock) => Promise<OpenRegistry>): void {
  describe(`registry store: ${name}`, () => {
    let now = 0;
    let registry: OpenRegistry;
    let store: OpenRegistry['store'];
    beforeEach(async () => {
      now = 1_000;
      registry = await open({ now: () => now });
      store = registry.store;
    });
    afterEach(() => registry.close());

    it('knows nothing before the first push, which makes the repository', async () => {
      expect(await store.exists(REPOSITORY)).toBe(false);
      expect(await store.tags(REPOSITORY, { limit: 10 })).toEqual([]);
      expect(await store.manifest(REPOSITORY, 'latest')).toBeUndefined();
      await store.linkBlob(REPOSITORY, digestOf('layer'));
      expect(await store.exists(REPOSITORY)).toBe(true);
    });

    it('links blobs per repository', async () => {
      await store.linkBlob(REPOSITORY, digestOf('layer'));
      await store.linkBlob(REPOSITORY, digestOf('layer'));
      await store.linkBlob(OTHER, digestOf('layer'));
      expect(await store.hasBlob(REPOSITORY, digestOf('layer'))).toBe(true);
      expect(await store.missingBlobs(OTHER, [digestOf('a'), digestOf('layer'), digestOf('b')])).toEqual([
        digestOf('a'),
        digestOf('b'),
      ]);
      expect(await store.repositoriesOfBlob(digestOf('layer'))).toEqual([REPOSITORY, OTHER]);
      expect(await store.unlinkBlob(REPOSITORY, digestOf('layer'))).toBe(true);
      expect(await store.unlinkBlob(REPOSITORY, digestOf('layer'))).toBe(false);
      expect(await store.unlinkBlob('never/been/made/x', digestOf('layer'))).toBe(false);
      expect(await store.hasBlob(REPOSITORY, digestOf('layer'))).toBe(false);
      expect(await store.hasBlob(OTHER, digestOf('layer'))).toBe(true);
    });

    it('links the blobs that a pusher without uploads names, so that they can be pulled', async () => {
      const put = version('one', { link: [digestOf('layer'), digestOf('layer')] });
      await store.putManifest(REPOSITORY, put);
      await store.putManifest(REPOSITORY, { ...put, link: [digestOf('layer'), digestOf('config')] });
      expect(await store.missingBlobs(REPOSITORY, [digestOf('layer'), digestOf('config')])).toEqual([]);
      expect(await store.hasBlob(OTHER, digestOf('layer'))).toBe(false);
    });

    it('gives a manifest back by tag and by digest, as it was put', async () => {
      const put = version('one', {
        tags: ['latest'],
        artifactType: 'application/x',
        annotations: { a: 'ä' },
        subject: digestOf('s'),
      });
      await store.putManifest(REPOSITORY, put);
      const expected = {
        digest: put.digest,
        mediaType: put.mediaType,
        size: put.size,
        artifactType: 'application/x',
        annotations: { a: 'ä' },
        subject: digestOf('s'),
        createdAt: 1_000,
        renewedAt: 1_000,
      };
      expect(await store.manifest(REPOSITORY, 'latest')).toEqual(expected);
      expect(await store.manifest(REPOSITORY, put.digest)).toEqual(expected);
      expect(await store.manifest(OTHER, put.digest)).toBeUndefined();
    });

    it('adds a tag and no version when the same content is pushed again', async () => {
      await store.putManifest(REPOSITORY, version('one', { tags: ['latest'] }));
      now = 2_000;
      await store.putManifest(REPOSITORY, version('one', { tags: ['4f2c1e9', 'latest'] }));
      expect(await store.manifests(REPOSITORY, { limit: 10 })).toHaveLength(1);
      expect(await store.tags(REPOSITORY, { limit: 10 })).toEqual([
        { name: '4f2c1e9', digest: digestOf('one'), since: 2_000 },
        { name: 'latest', digest: digestOf('one'), since: 1_000 },
      ]);
      expect(await store.tagsOf(REPOSITORY, digestOf('one'))).toEqual(['4f2c1e9', 'latest']);
      expect((await store.manifest(REPOSITORY, 'latest'))?.createdAt).toBe(1_000);
    });

    it('moves tags only from where the pusher has seen them, all of them or none', async () => {
      const push = (name: string, tags: string[], condition: ManifestPut['condition']) =>
        store.putManifest(REPOSITORY, version(name, { tags, condition }));
      const absent = { meets: false, digests: 'any' } as const;
      const was = (name: string) => ({ meets: true, digests: [digestOf(name)] });
      await expect(push('one', ['latest'], was('one'))).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.exists(REPOSITORY)).toBe(false);
      await push('one', ['latest'], absent);
      await expect(push('two', ['new', 'latest'], absent)).rejects.toMatchObject({ code: 'conflict' });
      await expect(push('two', ['latest'], was('two'))).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.manifest(REPOSITORY, digestOf('two'))).toBeUndefined();
      await push('two', ['latest'], was('one'));
      expect(await store.tags(REPOSITORY, { limit: 10 })).toEqual([
        { name: 'latest', digest: digestOf('two'), since: 1_000 },
      ]);
    });

    it('keeps every meaning of a tag with its dates and who moved it, newest first', async () => {
      await store.putManifest(REPOSITORY, version('one', { tags: ['latest'], actor: 'ada' }));
      now = 2_000;
      await store.putManifest(REPOSITORY, version('two', { tags: ['latest'], actor: 'ben' }));
      now = 3_000;
      expect(await store.deleteTag(REPOSITORY, 'latest', 'cem')).toBe(true);
      expect(await store.deleteTag(REPOSITORY, 'latest', 'cem')).toBe(false);
      expect(await store.history(REPOSITORY, 'latest')).toEqual([
        { name: 'latest', digest: digestOf('two'), since: 2_000, until: 3_000, actor: 'ben', endedBy: 'cem' },
        { name: 'latest', digest: digestOf('one'), since: 1_000, until: 2_000, actor: 'ada', endedBy: 'ben' },
      ]);
      expect(await store.manifest(REPOSITORY, 'latest')).toBeUndefined();
      expect(await store.manifest(REPOSITORY, digestOf('two'))).toBeDefined();
    });

    it('points a tag at what is there, and at nothing else', async () => {
      await store.putManifest(REPOSITORY, version('one', { tags: ['a'] }));
      await store.putManifest(REPOSITORY, version('two', { tags: ['b'] }));
      now = 2_000;
      expect(await store.setTag(REPOSITORY, 'a', digestOf('two'), 'ada')).toBe(true);
      expect(await store.tagsOf(REPOSITORY, digestOf('two'))).toEqual(['a', 'b']);
      expect(await store.history(REPOSITORY, 'a')).toMatchObject([{ actor: 'ada' }, { until: 2_000, endedBy: 'ada' }]);
      expect(await store.setTag(REPOSITORY, 'a', digestOf('three'), 'ada')).toBe(false);
      await store.deleteManifest(REPOSITORY, digestOf('two'), 'ada');
      expect(await store.setTag(REPOSITORY, 'a', digestOf('two'), 'ada')).toBe(false);
      expect(await store.setTag('loc/p/r/absent', 'a', digestOf('one'), 'ada')).toBe(false);
      expect(await store.exists('loc/p/r/absent')).toBe(false);
    });

    it('removes a manifest with every tag on it, and keeps the history', async () => {
      await store.putManifest(REPOSITORY, version('one', { tags: ['a', 'b'] }));
      await store.putManifest(REPOSITORY, version('two', { tags: ['c'] }));
      expect(await store.deleteManifest(REPOSITORY, digestOf('one'), 'ada')).toBe(true);
      expect(await store.deleteManifest(REPOSITORY, digestOf('one'), 'ada')).toBe(false);
      expect((await store.tags(REPOSITORY, { limit: 10 })).map((tag) => tag.name)).toEqual(['c']);
      expect((await store.history(REPOSITORY, 'a'))[0]).toMatchObject({ digest: digestOf('one'), endedBy: 'ada' });
    });

    it('pages tags in byte order', async () => {
      await store.putManifest(REPOSITORY, version('one', { tags: ['b', 'B', 'a', '10', '9', '_x'] }));
      const first = await store.tags(REPOSITORY, { limit: 4 });
      expect(await store.tagNames(REPOSITORY, { limit: 4 })).toEqual(first.map((tag) => tag.name));
      expect(first.map((tag) => tag.name)).toEqual(['10', '9', 'B', '_x']);
      const rest = await store.tags(REPOSITORY, { limit: 4, after: '_x' });
      expect(rest.map((tag) => tag.name)).toEqual(['a', 'b']);
    });

    it('lists repositories in byte order, also below a prefix', async () => {
      for (const key of [OTHER, 'x/p/r/i', REPOSITORY, 'europe-central2/shop/imagesque/a'])
        await store.linkBlob(key, digestOf('l'));
      expect(await store.repositories({ limit: 10 })).toEqual([
        REPOSITORY,
        OTHER,
        'europe-central2/shop/imagesque/a',
        'x/p/r/i',
      ]);
      expect(await store.repositories({ limit: 1, after: REPOSITORY }, 'europe-central2/shop/images/')).toEqual([
        OTHER,
      ]);
      expect(await store.repositories({ limit: 5, after: OTHER }, 'europe-central2/shop/images/')).toEqual([]);
    });

    it('finds referrers in the order of their arrival, by artifact type when asked', async () => {
      const subject = digestOf('never pushed');
      await store.putManifest(REPOSITORY, version('sbom', { subject, artifactType: 'application/sbom' }));
      await store.putManifest(REPOSITORY, version('signature', { subject, artifactType: 'application/sig' }));
      await store.putManifest(OTHER, version('elsewhere', { subject, artifactType: 'application/sig' }));
      expect((await store.referrers(REPOSITORY, subject)).map((one) => one.digest)).toEqual([
        digestOf('sbom'),
        digestOf('signature'),
      ]);
      expect((await store.referrers(REPOSITORY, subject, 'application/sig')).map((one) => one.digest)).toEqual([
        digestOf('signature'),
      ]);
      expect(await store.referrers(REPOSITORY, digestOf('other'))).toEqual([]);
    });

    it('claims manifests, what they name, and linked blobs; nothing after they are forgotten', async () => {
      await store.linkBlob(REPOSITORY, digestOf('pushed'));
      await store.putManifest(REPOSITORY, version('image', { blobs: [digestOf('config'), digestOf('layer')] }));
      await store.putManifest(REPOSITORY, version('index', { children: [digestOf('image'), digestOf('absent')] }));
      const all = ['pushed', 'image', 'config', 'layer', 'index', 'absent'].map((text) => digestOf(text));
      expect(new Set(await store.claimed([...all, digestOf('unknown')]))).toEqual(new Set(all));
      await store.deleteManifest(REPOSITORY, digestOf('image'), 'ada');
      await store.deleteManifest(REPOSITORY, digestOf('index'), 'ada');
      expect(new Set(await store.claimed(all)), 'they may come back').toEqual(new Set(all));
      now = 2_000;
      expect(await store.forgetDeleted(2_000)).toBe(2);
      expect(await store.claimed(all)).toEqual([digestOf('pushed')]);
      await store.unlinkBlob(REPOSITORY, digestOf('pushed'));
      expect(await store.claimed([digestOf('pushed')])).toEqual([]);
    });

    it('says which manifest uses a blob, within the repository', async () => {
      await store.putManifest(REPOSITORY, version('image', { blobs: [digestOf('layer')] }));
      expect(await store.userOf(REPOSITORY, digestOf('layer'))).toBe(digestOf('image'));
      expect(await store.userOf(OTHER, digestOf('layer'))).toBeUndefined();
    });

    it('forgets old links that no manifest of the repository stands on', async () => {
      for (const text of ['used', 'abandoned']) await store.linkBlob(REPOSITORY, digestOf(text));
      await store.linkBlob(OTHER, digestOf('used'));
      await store.putManifest(REPOSITORY, version('image', { blobs: [digestOf('used')] }));
      now = 5_000;
      await store.linkBlob(REPOSITORY, digestOf('fresh'));
      expect(await store.dropUnusedLinks(4_000)).toBe(2);
      expect(await store.missingBlobs(REPOSITORY, ['used', 'abandoned', 'fresh'].map(digest))).toEqual([
        digestOf('abandoned'),
      ]);
      expect(await store.hasBlob(OTHER, digestOf('used'))).toBe(false);
    });

    it('stores nothing, not even the tag, while a required blob is not linked', async () => {
      await store.linkBlob(REPOSITORY, digestOf('config'));
      await store.linkBlob(OTHER, digestOf('layer'));
      const put = version('image', { required: [digestOf('config'), digestOf('layer')], tags: ['latest'] });
      expect(await store.putManifest(REPOSITORY, put)).toEqual([digestOf('layer')]);
      expect(await store.manifest(REPOSITORY, digestOf('image'))).toBeUndefined();
      expect(await store.tags(REPOSITORY, { limit: 10 })).toEqual([]);
      await store.linkBlob(REPOSITORY, digestOf('layer'));
      expect(await store.putManifest(REPOSITORY, put)).toEqual([]);
      expect((await store.manifest(REPOSITORY, 'latest'))?.digest).toBe(digestOf('image'));
    });

    it('renews the link of a blob that a client was told about', async () => {
      await store.linkBlob(REPOSITORY, digestOf('layer'));
      expect(await store.touchBlob(OTHER, digestOf('layer'))).toBe(false);
      now += 3_600_000;
      expect(await store.touchBlob(REPOSITORY, digestOf('layer'))).toBe(true);
      expect(await store.dropUnusedLinks(now - 60_000)).toBe(0);
      now += 3_600_000;
      expect(await store.dropUnusedLinks(now - 60_000)).toBe(1);
      expect(await store.touchBlob(REPOSITORY, digestOf('layer'))).toBe(false);
    });

    it('takes a manifest with thousands of layers, some of them named twice', async () => {
      const blobs = Array.from({ length: 3_000 }, (_, i) => digestOf(`layer ${i % 2_900}`));
      await store.putManifest(REPOSITORY, version('big', { blobs, tags: ['big'] }));
      expect(await store.claimed(blobs)).toHaveLength(2_900);
      expect(await store.missingBlobs(REPOSITORY, blobs.slice(0, 1_200))).toHaveLength(1_200);
    });

    it('sets the same tag from many pushes at once, one after the other', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.putManifest(REPOSITORY, version(`v${i}`, { tags: ['latest'] }))),
      );
      const history = await store.history(REPOSITORY, 'latest');
      expect(history).toHaveLength(20);
      expect(history.filter((move) => move.until === undefined)).toHaveLength(1);
      expect((await store.manifest(REPOSITORY, 'latest'))?.digest).toBe(history[0]?.digest);
    });
  });
}

function digest(text: string): Digest {
  return digestOf(text);
}
