import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../../src/adapters/sqlite/repositories.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { describeVerdict } from '../../../src/stores/registry/describe-verdict.ts';
import type { JudgedVersion } from '../../../src/stores/registry/registry.ts';
import { explainCleanup, runCleanup, runCleanups } from '../../../src/stores/registry/run-cleanup.ts';
import type { NewRepository } from '../../../src/stores/repositories/repositories.ts';
import type { CleanupPolicy } from '../../../src/stores/repositories/repository.ts';
import { type OwnedRows, ownRows } from '../../suites/owned-rows.ts';
import { version } from '../../suites/registry-version.ts';

const ID = { location: 'eu', project: 'shop', repository: 'images' };
const API = 'eu/shop/images/api';
const WEB = 'eu/shop/images/team/web';
const DAY_MS = 86_400_000;
const UNTAGGED: CleanupPolicy = {
  id: 'untagged',
  action: 'delete',
  condition: { tagState: 'untagged', olderThan: 7 * 86_400 },
};
const PULL_REQUESTS: CleanupPolicy = { id: 'prs', action: 'delete', condition: { tagPrefixes: ['pr-'] } };

describe('cleanup policies of a repository', () => {
  let now = 0;
  let own: OwnedRows<SqliteRegistry>;
  let registry: SqliteRegistry;
  let repositories: SqliteRepositories;
  beforeEach(async () => {
    now = DAY_MS;
    const clock = { now: () => now };
    own = await ownRows((database: Database) => new SqliteRegistry(database, { clock }));
    registry = own.rows;
    repositories = new SqliteRepositories(own.database, clock);
  });
  afterEach(() => own.close());

  const make = (more: Partial<NewRepository>) => repositories.create({ ...ID, ...more }, 'ada');
  const left = async (key: string) =>
    new Set((await registry.manifests(key, { limit: 1000 })).map((manifest) => manifest.digest));
  const digests = (...texts: string[]) => new Set(texts.map((text) => digestOf(text)));

  it('remove what nobody needs, image by image, and say who did it', async () => {
    await make({ cleanupPolicies: [UNTAGGED, PULL_REQUESTS] });
    for (const key of [API, WEB]) {
      await registry.putManifest(key, version('overwritten', { tags: ['latest'] }));
      await registry.putManifest(key, version('amd64'));
      await registry.putManifest(key, version('index', { children: [digestOf('amd64')], tags: ['latest'] }));
      await registry.putManifest(key, version('old amd64'));
      await registry.putManifest(key, version('old index', { children: [digestOf('old amd64')] }));
      await registry.putManifest(key, version('old sbom', { subject: digestOf('old index') }));
      await registry.putManifest(key, version('pull request', { tags: ['pr-7'] }));
    }
    await registry.putManifest('eu/shop/images-2/api', version('overwritten'));
    now = 9 * DAY_MS;
    await registry.putManifest(API, version('fresh'));
    expect(await runCleanups({ registry, repositories }, now)).toEqual({ judged: 15, deleted: 10 });
    expect(await left(API)).toEqual(digests('index', 'amd64', 'fresh'));
    expect(await left(WEB)).toEqual(digests('index', 'amd64'));
    expect(await left('eu/shop/images-2/api')).toEqual(digests('overwritten'));
    const events = (await registry.events({ limit: 1000, below: API })).filter((event) => event.action === 'delete');
    expect(new Map(events.map((event) => [event.digest, event.actor]))).toEqual(
      new Map([
        [digestOf('overwritten'), 'cleanup policy untagged'],
        [digestOf('old index'), 'cleanup policy untagged'],
        [digestOf('old amd64'), 'cleanup policy untagged'],
        [digestOf('old sbom'), 'cleanup policy untagged'],
        [digestOf('pull request'), 'cleanup policy prs'],
      ]),
    );
    expect(await runCleanups({ registry, repositories }, now)).toEqual({ judged: 5, deleted: 0 });
  });

  it('can be undone, and leave what was brought back alone as if it were new', async () => {
    const repository = await make({ cleanupPolicies: [UNTAGGED, PULL_REQUESTS] });
    await registry.putManifest(API, version('amd64'));
    await registry.putManifest(API, version('index', { children: [digestOf('amd64')] }));
    await registry.putManifest(API, version('sbom', { subject: digestOf('index') }));
    now = 9 * DAY_MS;
    await runCleanup(registry, repository, now);
    expect(await left(API)).toEqual(new Set());
    await registry.undelete(API, digestOf('index'), 'ada');
    expect(await left(API)).toEqual(digests('index', 'amd64', 'sbom'));
    expect(await runCleanup(registry, repository, now)).toEqual({ judged: 3, deleted: 0 });
  });

  it('only say what they would do, where they are tried', async () => {
    const repository = await make({ cleanupPolicies: [PULL_REQUESTS], cleanupDryRun: true });
    await registry.putManifest(API, version('release', { tags: ['v1'] }));
    await registry.putManifest(API, version('pull request', { tags: ['pr-7'] }));
    expect(await runCleanups({ registry, repositories }, now)).toEqual({ judged: 0, deleted: 0 });
    const told: string[] = [];
    for await (const { image, verdicts } of explainCleanup(registry, repository, now))
      for (const verdict of verdicts) told.push(`${image}:${verdict.version.tags} ${describeVerdict(verdict)}`);
    expect(told.sort()).toEqual(['api:pr-7 deleted by policy prs', 'api:v1 no policy deletes it']);
    expect(await left(API)).toEqual(digests('release', 'pull request'));
  });

  it('clean up the others when one repository gives trouble', async () => {
    await make({ cleanupPolicies: [PULL_REQUESTS] });
    await make({ repository: 'a-broken-one', cleanupPolicies: [PULL_REQUESTS] });
    await registry.putManifest('eu/shop/a-broken-one/api', version('unreadable', { tags: ['pr-1'] }));
    await registry.putManifest(API, version('pull request', { tags: ['pr-7'] }));
    const versions: typeof registry.versions = (key, page) =>
      key.includes('a-broken-one') ? Promise.reject(new Error('disk I/O error')) : registry.versions(key, page);
    const broken = {
      repositories: registry.repositories.bind(registry),
      deleteVersions: registry.deleteVersions.bind(registry),
      versions,
    };
    expect(await runCleanups({ registry: broken, repositories }, now)).toEqual({ judged: 1, deleted: 1 });
    expect(await left(API)).toEqual(digests());
  });

  it('never take what was tagged, or pushed again, while they were judging', async () => {
    const repository = await make({ cleanupPolicies: [UNTAGGED] });
    for (const text of ['tagged', 'pushed', 'child', 'forgotten']) await registry.putManifest(API, version(text));
    now = 9 * DAY_MS;
    const meanwhile = {
      repositories: registry.repositories.bind(registry),
      versions: registry.versions.bind(registry),
      async deleteVersions(key: string, versions: JudgedVersion[], actor: string) {
        now += 1;
        await registry.putManifest(API, version('tagged', { tags: ['v1'] }));
        await registry.putManifest(API, version('pushed'));
        await registry.putManifest(API, version('new index', { children: [digestOf('child')] }));
        return registry.deleteVersions(key, versions, actor);
      },
    };
    expect(await runCleanup(meanwhile, repository, now)).toEqual({ judged: 4, deleted: 1 });
    expect(await left(API)).toEqual(digests('tagged', 'pushed', 'child', 'new index'));
  });

  it('go through images of thousands of versions, and stop when asked', async () => {
    const repository = await make({ cleanupPolicies: [UNTAGGED] });
    for (let i = 0; i < 1_234; i++) await registry.putManifest(API, version(`v${i}`, i % 2 ? { tags: [`t${i}`] } : {}));
    now = 9 * DAY_MS;
    expect(await runCleanup(registry, repository, now, AbortSignal.abort())).toEqual({ judged: 1_234, deleted: 0 });
    expect(await runCleanup(registry, repository, now)).toEqual({ judged: 1_234, deleted: 617 });
    expect(await registry.tags(API, { limit: 10_000 })).toHaveLength(617);
  });
});
