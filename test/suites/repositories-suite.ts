import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { RegistryStore } from '../../src/stores/registry/registry.ts';
import type { RegistryClaims } from '../../src/stores/registry/roots.ts';
import type { NewRepository, RepositoryStore } from '../../src/stores/repositories/repositories.ts';
import type { CleanupPolicy, RepositoryId } from '../../src/stores/repositories/repository.ts';
import { version } from './registry-version.ts';

export interface OpenRepositories {
  store: RepositoryStore;
  registry: RegistryStore & RegistryClaims;
  close(): Promise<void>;
}

const HUB = { url: 'https://registry-1.docker.io', dockerHub: true, freshSeconds: 60 };
const POLICIES: CleanupPolicy[] = [
  { id: 'old', action: 'delete', condition: { tagState: 'untagged', olderThan: 86_400 } },
  { id: 'some', action: 'keep', mostRecent: { keepCount: 5, packageNamePrefixes: ['api'] } },
];

/** What every implementation of RepositoryStore promises. */
export function repositoriesSuite(name: string, open: (clock: Clock) => Promise<OpenRepositories>): void {
  describe(`repositories: ${name}`, () => {
    let now = 0;
    let opened: OpenRepositories;
    let store: RepositoryStore;
    beforeEach(async () => {
      now = 1_000;
      opened = await open({ now: () => now });
      store = opened.store;
    });
    afterEach(() => opened.close());

    it('gives back what was made, with defaults for the rest', async () => {
      const made = await store.create({ ...id('images'), description: 'ours', labels: { team: 'shop' } }, 'ada');
      expect(made).toEqual({
        location: 'eu',
        project: 'shop',
        repository: 'images',
        mode: 'standard',
        description: 'ours',
        labels: { team: 'shop' },
        immutableTags: false,
        anonymousPull: false,
        cleanupPolicies: [],
        cleanupDryRun: false,
        createdAt: 1_000,
        updatedAt: 1_000,
      });
      expect(await store.get(id('images'))).toEqual(made);
      expect(await store.get(id('other'))).toBeUndefined();
    });

    it('refuses to make one twice, also one that a push made', async () => {
      await store.create(id('images'), 'ada');
      await expect(store.create(id('images'), 'ada')).rejects.toMatchObject({ code: 'conflict' });
      await opened.registry.putManifest('eu/shop/pushed/api', version('one'));
      await expect(store.create(id('pushed'), 'ada')).rejects.toMatchObject({ code: 'conflict' });
    });

    it('changes what is named and nothing else', async () => {
      await store.create({ ...id('images'), description: 'ours', immutableTags: true }, 'ada');
      now = 2_000;
      const change = { anonymousPull: true, cleanupPolicies: POLICIES, cleanupDryRun: true, description: undefined };
      const changed = await store.update(id('images'), change, 'ben');
      expect(changed).toMatchObject({
        description: 'ours',
        immutableTags: true,
        anonymousPull: true,
        cleanupPolicies: POLICIES,
        cleanupDryRun: true,
        createdAt: 1_000,
        updatedAt: 2_000,
      });
      expect(await store.get(id('images'))).toEqual(changed);
      await expect(store.update(id('other'), {}, 'ben')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('lists by name, of a project, of a location, and those that pushes made', async () => {
      for (const name of ['b', 'a-b', 'a']) await store.create(id(name), 'ada');
      await store.create({ location: 'us', project: 'shop', repository: 'c' }, 'ada');
      await opened.registry.putManifest('eu/other/pushed/api', version('one'));
      const names = async (filter?: { location?: string; project?: string }) =>
        (await store.list(filter)).map((one) => `${one.location}/${one.project}/${one.repository}`);
      expect(await names()).toEqual(['eu/other/pushed', 'eu/shop/a', 'eu/shop/a-b', 'eu/shop/b', 'us/shop/c']);
      expect(await names({ project: 'shop' })).toEqual(['eu/shop/a', 'eu/shop/a-b', 'eu/shop/b', 'us/shop/c']);
      expect(await names({ project: 'shop', location: 'us' })).toEqual(['us/shop/c']);
      expect(await names({ location: 'eu' })).toHaveLength(4);
      expect(await store.locations('shop')).toEqual(['eu', 'us']);
      expect(await store.locations('never')).toEqual([]);
    });

    it('takes its images with it, out of sight at once and for good when they are forgotten', async () => {
      const { registry } = opened;
      for (const key of ['eu/shop/images/api', 'eu/shop/images-2/api']) {
        await registry.linkBlob(key, digestOf(`layer ${key}`));
        await registry.putManifest(key, version(key, { blobs: [digestOf(`layer ${key}`)], tags: ['v1'] }));
      }
      now = 2_000;
      expect(await store.remove(id('images'), 'ben')).toBe(true);
      expect(await store.remove(id('images'), 'ben')).toBe(false);
      expect(await store.get(id('images'))).toBeUndefined();
      expect(await registry.repositories({ limit: 10 })).toEqual(['eu/shop/images-2/api']);
      expect(await registry.exists('eu/shop/images/api')).toBe(false);
      expect(await registry.manifest('eu/shop/images/api', 'v1')).toBeUndefined();
      expect((await registry.tagged('v1')).map((one) => one.repository)).toEqual(['eu/shop/images-2/api']);
      const layer = digestOf('layer eu/shop/images/api');
      expect(await registry.repositoriesOfBlob(layer)).toEqual([]);
      expect(await registry.claimed([layer])).toEqual([layer]);

      await registry.putManifest('eu/shop/images/api', version('again', { tags: ['v2'] }));
      expect((await registry.manifests('eu/shop/images/api', { limit: 10 })).map((one) => one.digest)).toEqual([
        digestOf('again'),
      ]);
      expect(await registry.forgetDeleted(2_000)).toBe(0);
      expect(await registry.forgetDeleted(2_001)).toBe(1);
      expect(await registry.claimed([layer])).toEqual([]);
      expect(await registry.manifest('eu/shop/images/api', 'v2')).toBeDefined();
    });

    it('tells of every change', async () => {
      await store.create(id('images'), 'ada');
      await store.update(id('images'), { description: 'x' }, 'ben');
      await store.remove(id('images'), 'cem');
      expect(await opened.registry.events({ limit: 10 })).toMatchObject([
        { action: 'create-repository', repository: 'eu/shop/images', actor: 'ada', at: 1_000 },
        { action: 'update-repository', repository: 'eu/shop/images', actor: 'ben' },
        { action: 'delete-repository', repository: 'eu/shop/images', actor: 'cem' },
      ]);
    });

    it('never changes the upstream of a remote one, but who asks it and how often', async () => {
      await store.create({ ...id('hub'), mode: 'remote', remote: HUB }, 'ada');
      const remote = { ...HUB, username: 'team', passwordFile: '/etc/hub', freshSeconds: 5 };
      expect((await store.update(id('hub'), { remote }, 'ada')).remote).toEqual(remote);
      for (const wrong of [
        { ...HUB, url: 'https://quay.io' },
        { ...HUB, dockerHub: false },
      ])
        await expect(store.update(id('hub'), { remote: wrong }, 'ada')).rejects.toMatchObject({ code: 'invalid' });
    });

    it('puts only what is there and holds images behind a virtual one', async () => {
      const virtual = (...names: string[]) =>
        names.map((name, priority) => ({ id: name, priority, repository: id(name) }));
      const shown: NewRepository = { ...id('all'), mode: 'virtual', virtual: virtual('images') };
      await expect(store.create(shown, 'ada')).rejects.toMatchObject({
        code: 'invalid',
        message: 'eu/shop/all stands on eu/shop/images, which is not there',
      });
      await store.create(id('images'), 'ada');
      await store.create(shown, 'ada');
      await expect(store.update(id('all'), { virtual: virtual('images', 'all') }, 'ada')).rejects.toMatchObject({
        code: 'invalid',
        message: 'eu/shop/all stands on eu/shop/all, which is virtual itself',
      });
    });

    const condition = { tagState: 'any' } as const;
    it.each<[string, Partial<NewRepository>]>([
      ['a name with a slash', { repository: 'a/b' }],
      ['an empty name', { repository: '' }],
      ['capital letters', { project: 'Shop' }],
      ['a way out', { repository: '..' }],
      ['a remote one without upstream', { mode: 'remote' }],
      ['a standard one with upstream', { remote: HUB }],
      ['a virtual one with nothing', { mode: 'virtual' }],
      ['a standard one with others behind it', { virtual: [] }],
      ['immutable tags of others', { mode: 'remote', remote: HUB, immutableTags: true }],
      ['a time that is none', { mode: 'remote', remote: { ...HUB, freshSeconds: -1 } }],
      ['a password in an address', { mode: 'remote', remote: { ...HUB, url: 'https://ada:secret@quay.io' } }],
      ['an address of files', { mode: 'remote', remote: { ...HUB, url: 'file:///etc/passwd' } }],
      ['an address of a page', { mode: 'remote', remote: { ...HUB, url: 'https://quay.io/?token=secret' } }],
      ['a rank that is none', { mode: 'virtual', virtual: [{ id: 'a', priority: Number.NaN, repository: id('x') }] }],
      ['a book as description', { description: 'x'.repeat(5000) }],
      ['labels without end', { labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, ''])) }],
      ['two policies of one name', { cleanupPolicies: [1, 2].map(() => ({ id: 'a', action: 'delete', condition })) }],
      ['a policy without name', { cleanupPolicies: [{ id: '', action: 'keep', condition }] }],
      ['a policy that deletes all', { cleanupPolicies: [{ id: 'a', action: 'delete', condition: {} }] }],
      ['none to keep', { cleanupPolicies: [{ id: 'a', action: 'keep', mostRecent: { keepCount: 0 } }] }],
      ['an age below nothing', { cleanupPolicies: [{ id: 'a', action: 'keep', condition: { olderThan: -1 } }] }],
      [
        'untagged ones with tags',
        {
          cleanupPolicies: [{ id: 'a', action: 'delete', condition: { tagState: 'untagged', tagPrefixes: ['v'] } }],
        },
      ],
    ])('refuses %s', async (_what, wrong) => {
      await expect(store.create({ ...id('images'), ...wrong }, 'ada')).rejects.toMatchObject({ code: 'invalid' });
      expect(await store.list()).toEqual([]);
    });
  });
}

function id(repository: string): RepositoryId {
  return { location: 'eu', project: 'shop', repository };
}
