import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/images/digest.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { OpenRegistryHistory } from './registry-history-suite.ts';
import { version } from './registry-version.ts';

const ID = { location: 'eu', project: 'shop', repository: 'images' };
const API = 'eu/shop/images/api';
const OTHER = 'eu/other/images/api';

/** What every implementation of RegistryStore promises about what may change and go, and what comes back. */
export function registryChangesSuite(
  name: string,
  open: (options: { clock: Clock; createOnPush: () => boolean }) => Promise<OpenRegistryHistory>,
): void {
  describe(`registry store, changes: ${name}`, () => {
    let now = 0;
    let createOnPush = true;
    let registry: OpenRegistryHistory;
    let store: OpenRegistryHistory['store'];
    beforeEach(async () => {
      now = 1_000;
      createOnPush = true;
      registry = await open({ clock: { now: () => now }, createOnPush: () => createOnPush });
      store = registry.store;
    });
    afterEach(() => registry.close());

    describe('undelete', () => {
      it('brings an image back as it was, with its tags', async () => {
        await store.linkBlob(API, digestOf('layer'));
        await store.putManifest(API, version('one', { blobs: [digestOf('layer')], tags: ['v1', 'latest'] }));
        now = 2_000;
        expect(await store.deleteManifest(API, digestOf('one'), 'ada')).toBe(true);
        expect(await store.manifest(API, digestOf('one'))).toBeUndefined();
        expect(await store.manifest(API, 'v1')).toBeUndefined();
        expect(await store.manifests(API, { limit: 10 })).toEqual([]);
        expect(await store.deleted(API)).toMatchObject([
          { digest: digestOf('one'), deletedAt: 2_000, deletedBy: 'ada', tags: ['latest', 'v1'], createdAt: 1_000 },
        ]);
        now = 3_000;
        expect(await store.undelete(API, digestOf('one'), 'ben')).toEqual(['latest', 'v1']);
        expect(await store.manifest(API, 'v1')).toMatchObject({
          digest: digestOf('one'),
          createdAt: 1_000,
          renewedAt: 3_000,
        });
        expect(await store.deleted(API)).toEqual([]);
        expect(await store.undelete(API, digestOf('one'), 'ben')).toBeUndefined();
        expect(await store.userOf(API, digestOf('layer'))).toBe(digestOf('one'));
      });

      it('leaves tags that mean something else by now', async () => {
        await store.putManifest(API, version('one', { tags: ['v1', 'latest'] }));
        await store.deleteManifest(API, digestOf('one'), 'ada');
        await store.putManifest(API, version('two', { tags: ['latest'] }));
        expect(await store.undelete(API, digestOf('one'), 'ada')).toEqual(['v1']);
        expect((await store.manifest(API, 'latest'))?.digest).toBe(digestOf('two'));
      });

      it('brings back the children of an index, and what was attached when it went', async () => {
        await store.putManifest(API, version('amd64'));
        await store.putManifest(API, version('index', { children: [digestOf('amd64')], tags: ['v1'] }));
        await store.putManifest(API, version('old signature', { subject: digestOf('index') }));
        await store.putManifest(API, version('signature', { subject: digestOf('index') }));
        await store.deleteManifest(API, digestOf('old signature'), 'ada');
        now = 2_000;
        for (const text of ['index', 'amd64', 'signature']) await store.deleteManifest(API, digestOf(text), 'ada');
        await store.undelete(API, digestOf('index'), 'ada');
        expect(digestsOf(await store.manifests(API, { limit: 10 }))).toEqual(
          ['index', 'amd64', 'signature'].map((text) => digestOf(text)).sort(),
        );
        expect(digestsOf(await store.deleted(API))).toEqual([digestOf('old signature')]);
      });

      it('keeps the history of its tags whole', async () => {
        await store.putManifest(API, version('one', { tags: ['v1'], actor: 'ada' }));
        now = 2_000;
        await store.deleteManifest(API, digestOf('one'), 'ben');
        now = 3_000;
        await store.undelete(API, digestOf('one'), 'cem');
        expect(await store.history(API, 'v1')).toEqual([
          { name: 'v1', digest: digestOf('one'), since: 3_000, actor: 'cem' },
          { name: 'v1', digest: digestOf('one'), since: 1_000, until: 2_000, actor: 'ada', endedBy: 'ben' },
        ]);
        expect(await store.tagAt(API, 'v1', 2_500)).toBeUndefined();
      });

      it('takes tags by the thousand', async () => {
        const tags = Array.from({ length: 5_000 }, (_, i) => `v${i}`);
        await store.putManifest(API, version('one', { tags: tags.slice(0, 20) }));
        await store.putManifest(API, version('one', { tags }));
        await store.deleteManifest(API, digestOf('one'), 'ada');
        await store.putManifest(API, version('two', { tags: ['v7'] }));
        expect(await store.undelete(API, digestOf('one'), 'ada')).toHaveLength(4_999);
        expect(await store.tagsOf(API, digestOf('one'))).toHaveLength(4_999);
        expect(await store.events({ limit: 100_000 })).toHaveLength(5_000 + 5_000 + 4_999 + 1 + 1 + 1 + 1 + 1 + 1);
      });

      it('finds the blobs again that were deleted after the image', async () => {
        await store.linkBlob(API, digestOf('layer'));
        await store.putManifest(API, version('one', { blobs: [digestOf('layer'), digestOf('of another project')] }));
        await store.deleteManifest(API, digestOf('one'), 'ada');
        expect(await store.userOf(API, digestOf('layer'))).toBeUndefined();
        expect(await store.unlinkBlob(API, digestOf('layer'))).toBe(true);
        expect(await store.unlinkBlob(API, digestOf('layer'))).toBe(false);
        expect(await store.hasBlob(API, digestOf('layer'))).toBe(false);
        expect(await store.touchBlob(API, digestOf('layer'))).toBe(false);
        expect(await store.repositoriesOfBlob(digestOf('layer'))).toEqual([]);
        expect(await store.claimed([digestOf('layer')])).toEqual([digestOf('layer')]);
        await store.undelete(API, digestOf('one'), 'ada');
        expect(await store.hasBlob(API, digestOf('layer'))).toBe(true);
        expect(await store.hasBlob(API, digestOf('of another project'))).toBe(false);
      });

      it('is not needed when the same image is pushed again', async () => {
        await store.putManifest(API, version('one', { tags: ['v1'] }));
        await store.deleteManifest(API, digestOf('one'), 'ada');
        now = 2_000;
        await store.putManifest(API, version('one', { tags: ['v2'] }));
        expect(await store.manifest(API, digestOf('one'))).toMatchObject({ createdAt: 2_000, renewedAt: 2_000 });
        expect((await store.tags(API, { limit: 10 })).map((tag) => tag.name)).toEqual(['v2']);
        expect(await store.deleted(API)).toEqual([]);
        expect(await store.forgetDeleted(10_000)).toBe(0);
      });

      it('is over when the image was forgotten', async () => {
        await store.linkBlob(API, digestOf('layer'));
        await store.putManifest(API, version('one', { blobs: [digestOf('layer')] }));
        now = 2_000;
        await store.deleteManifest(API, digestOf('one'), 'ada');
        expect(await store.dropUnusedLinks(5_000), 'a deleted image may come back').toBe(0);
        expect(await store.forgetDeleted(2_000)).toBe(0);
        expect(await store.forgetDeleted(2_001)).toBe(1);
        expect(await store.undelete(API, digestOf('one'), 'ada')).toBeUndefined();
        expect(await store.dropUnusedLinks(5_000)).toBe(1);
        expect(await store.claimed([digestOf('one'), digestOf('layer')])).toEqual([]);
      });

      it('stays possible for the children of an index that is there', async () => {
        await store.putManifest(API, version('amd64', { blobs: [digestOf('layer')] }));
        await store.putManifest(API, version('index', { children: [digestOf('amd64')], tags: ['v1'] }));
        await store.deleteManifest(API, digestOf('amd64'), 'ada');
        expect(await store.forgetDeleted(5_000)).toBe(0);
        expect(await store.claimed([digestOf('layer')])).toEqual([digestOf('layer')]);
        await store.deleteManifest(API, digestOf('index'), 'ada');
        expect(await store.forgetDeleted(5_000)).toBe(2);
      });

      it('forgets thousands', async () => {
        for (let i = 0; i < 120; i++) await store.putManifest(API, version(`v${i}`, { blobs: [digestOf('layer')] }));
        for (let i = 0; i < 120; i++) await store.deleteManifest(API, digestOf(`v${i}`), 'ada');
        expect(await store.forgetDeleted(5_000)).toBe(120);
        expect(await store.claimed([digestOf('layer')])).toEqual([]);
      });
    });

    describe('deletion of versions that somebody judged', () => {
      const judged = async () =>
        (await store.versions(API, { limit: 100 })).map(({ digest, tags, renewedAt }) => ({ digest, tags, renewedAt }));

      it('takes those that are still as they were', async () => {
        await store.putManifest(API, version('same'));
        await store.putManifest(API, version('tagged since'));
        await store.putManifest(API, version('moved since', { tags: ['old'] }));
        await store.putManifest(API, version('pushed since'));
        const versions = await judged();
        now = 2_000;
        await store.putManifest(API, version('tagged since', { tags: ['v1'] }));
        await store.deleteTag(API, 'old', 'ada');
        await store.putManifest(API, version('pushed since'));
        expect(await store.deleteVersions(API, versions, 'cleanup')).toEqual([digestOf('same')]);
        expect(await store.deleteVersions('eu/never/been/there', versions, 'cleanup')).toEqual([]);
      });

      it('never takes a child from its index, nor what is attached to an image that stays', async () => {
        await store.putManifest(API, version('amd64'));
        const child = await judged();
        await store.putManifest(API, version('index', { children: [digestOf('amd64')] }));
        await store.putManifest(API, version('signature', { subject: digestOf('index') }));
        const all = await judged();
        expect(await store.deleteVersions(API, child, 'cleanup')).toEqual([]);
        const signature = all.filter((one) => one.digest === digestOf('signature'));
        expect(await store.deleteVersions(API, signature, 'cleanup')).toEqual([]);
        const inOrder = ['index', 'amd64', 'signature'].flatMap((text) =>
          all.filter((one) => one.digest === digestOf(text)),
        );
        expect(await store.deleteVersions(API, inOrder, 'cleanup')).toHaveLength(3);
      });

      it('leaves what an immutable tag is on', async () => {
        await registry.repositories.create({ ...ID, immutableTags: true }, 'ada');
        await store.putManifest(API, version('one', { tags: ['v1'] }));
        await store.putManifest(API, version('two'));
        expect(await store.deleteVersions(API, await judged(), 'cleanup')).toEqual([digestOf('two')]);
      });
    });

    describe('immutable tags', () => {
      beforeEach(async () => {
        await registry.repositories.create({ ...ID, immutableTags: true }, 'ada');
        await store.putManifest(API, version('one', { tags: ['v1'] }));
      });

      it('are set once, and once more by the same push', async () => {
        await store.putManifest(API, version('one', { tags: ['v1', 'v1.0'] }));
        await expect(store.putManifest(API, version('two', { tags: ['v2', 'v1'] }))).rejects.toMatchObject({
          code: 'conflict',
          message: `tag v1 of ${API} is immutable and means ${digestOf('one')}`,
        });
        expect(await store.manifest(API, digestOf('two')), 'nothing of that push').toBeUndefined();
        expect(await store.manifest(API, 'v2')).toBeUndefined();
      });

      it('belong to the first of many pushes at once', async () => {
        const pushes = Array.from({ length: 20 }, (_, i) => store.putManifest(API, version(`p${i}`, { tags: ['v2'] })));
        const done = await Promise.allSettled(pushes);
        expect(done.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
        expect(await store.history(API, 'v2')).toHaveLength(1);
        expect(await store.manifests(API, { limit: 100 }), 'and the others left nothing').toHaveLength(2);
      });

      it('can not be removed, nor what they are on', async () => {
        await expect(store.deleteTag(API, 'v1', 'ada')).rejects.toMatchObject({ code: 'conflict' });
        await expect(store.deleteManifest(API, digestOf('one'), 'ada')).rejects.toMatchObject({ code: 'conflict' });
        expect((await store.manifest(API, 'v1'))?.digest).toBe(digestOf('one'));
        await store.putManifest(API, version('untagged'));
        expect(await store.deleteManifest(API, digestOf('untagged'), 'ada')).toBe(true);
      });

      it('hold in their repository alone, and from when it says so', async () => {
        await store.putManifest(OTHER, version('one', { tags: ['v1'] }));
        await store.putManifest(OTHER, version('two', { tags: ['v1'] }));
        await registry.repositories.update(ID, { immutableTags: false }, 'ada');
        await store.putManifest(API, version('two', { tags: ['v1'] }));
        expect((await store.manifest(API, 'v1'))?.digest).toBe(digestOf('two'));
      });
    });

    describe('what may be pushed to', () => {
      it('is made by the first push, and said so', async () => {
        await store.checkPush(API);
        expect(await registry.repositories.get(ID)).toBeUndefined();
        await store.linkBlob(API, digestOf('layer'), 'push', 'ada');
        expect(await registry.repositories.get(ID)).toMatchObject({ ...ID, mode: 'standard', createdAt: 1_000 });
        expect(await store.events({ limit: 10 })).toMatchObject([
          { action: 'create-repository', repository: 'eu/shop/images', actor: 'ada' },
        ]);
      });

      it('is what somebody made, when pushes make nothing', async () => {
        createOnPush = false;
        const missing = { code: 'not-found', message: expect.stringContaining('eu/shop/images') };
        await expect(store.checkPush(API)).rejects.toMatchObject(missing);
        await expect(store.linkBlob(API, digestOf('layer'))).rejects.toMatchObject(missing);
        await expect(store.putManifest(API, version('one'))).rejects.toMatchObject(missing);
        expect(await store.exists(API)).toBe(false);
        await registry.repositories.create(ID, 'ada');
        await store.checkPush(API);
        await store.putManifest(API, version('one', { tags: ['v1'] }));
        expect(await store.exists(API)).toBe(true);
      });

      it('is neither remote nor virtual; a remote one takes what comes from its upstream', async () => {
        const remote = { url: 'https://registry-1.docker.io', dockerHub: true, freshSeconds: 60 };
        await registry.repositories.create({ ...ID, mode: 'remote', remote }, 'ada');
        const denied = { code: 'denied', message: expect.stringContaining('eu/shop/images is a remote repository') };
        await expect(store.checkPush(API)).rejects.toMatchObject(denied);
        await expect(store.linkBlob(API, digestOf('layer'))).rejects.toMatchObject(denied);
        await expect(store.putManifest(API, version('one'))).rejects.toMatchObject(denied);
        await store.linkBlob(API, digestOf('layer'), 'upstream', 'upstream docker.io');
        await store.putManifest(API, version('one', { origin: 'upstream', tags: ['latest'] }));
        await store.putManifest(API, version('two', { origin: 'upstream', tags: ['latest'] }));
        expect((await store.manifest(API, 'latest'))?.digest).toBe(digestOf('two'));

        const shown = { ...ID, repository: 'all' };
        const virtual = [{ id: 'hub', priority: 1, repository: ID }];
        await registry.repositories.create({ ...shown, mode: 'virtual', virtual }, 'ada');
        const behind = { code: 'denied', message: expect.stringContaining('virtual') };
        await expect(store.linkBlob('eu/shop/all/api', digestOf('layer'))).rejects.toMatchObject(behind);
        await expect(store.linkBlob('eu/shop/all/api', digestOf('layer'), 'upstream')).rejects.toMatchObject(behind);
      });
    });
  });
}

function digestsOf(manifests: { digest: Digest }[]): Digest[] {
  return manifests.map((manifest) => manifest.digest).sort();
}
