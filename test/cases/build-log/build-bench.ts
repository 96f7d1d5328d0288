import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { LogFiles } from '../../../src/adapters/disk/log-files.ts';
import { SqliteBuckets } from '../../../src/adapters/sqlite/buckets.ts';
import { SqliteBuilds } from '../../../src/adapters/sqlite/builds.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { SqliteBuildQueue } from '../../../src/adapters/sqlite-builds/build-queue.ts';
import { SqliteSecrets } from '../../../src/adapters/sqlite-builds/secrets.ts';
import { SqliteSources } from '../../../src/adapters/sqlite-builds/sources.ts';
import { SqliteWorkerPools } from '../../../src/adapters/sqlite-builds/worker-pools.ts';
import { BuildPools } from '../../../src/builds/pools/build-pools.ts';
import { WorkerPools } from '../../../src/builds/pools/worker-pools.ts';
import type { BuildRequest } from '../../../src/builds/request/request.ts';
import type { BuildDeps } from '../../../src/builds/run/build-deps.ts';
import { type Submission, submitBuild } from '../../../src/builds/submit.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createDataFolder, dataFolder } from '../../../src/lib/data-folder.ts';
import { ContentBuckets } from '../../../src/stores/buckets/content-buckets.ts';
import { SecretKeys } from '../../../src/stores/secrets/secret-keys.ts';
import { SourceStore } from '../../../src/stores/sources/source-store.ts';
import { fakeContainers, fakeEngine, type Held } from './fakes.ts';

/** Builds with real rows, logs and buckets on a folder of their own, and no layers or containers. */
export async function openBench() {
  const root = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const folder = dataFolder(root);
  await createDataFolder(folder);
  const database = await openDatabase(folder.database);
  const content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database) });
  const buckets = new ContentBuckets(new SqliteBuckets(database, systemClock), content);
  const records = new SqliteBuilds(database);
  const queue = new SqliteBuildQueue(database);
  const secrets = new SqliteSecrets(database, new SecretKeys(folder.secretsKey));
  const logs = new LogFiles(folder.logs);
  const held: Held = { scopes: new Set(), networks: new Set(), tokens: new Set(), rootfs: 0, ran: [] };
  const sources = new SqliteSources(database);
  const folderOfBuilds = join(root, 'builds');
  const deps: BuildDeps = {
    records,
    logs,
    buckets,
    secrets,
    engine: fakeEngine(held),
    containers: fakeContainers(held),
    identities: {
      issue: async (build) => {
        held.tokens.add(build.id);
        return { secret: 'token-of-a-build', revoke: async () => void held.tokens.delete(build.id) };
      },
    },
    logsBucket: () => 'gs://logs',
    folder: folderOfBuilds,
    clock: systemClock,
    imageAliases: {},
    builderProjects: () => [],
    ownNames: { hosts: ['*-docker.pkg.dev'], defaultLocation: 'europe-central2' },
    verifyLogin: async () => undefined,
    allowHostNetwork: false,
  };
  let wake: () => void = () => undefined;
  const poolRows = new SqliteWorkerPools(database);
  const submitDeps = {
    records,
    queue,
    pools: new BuildPools(poolRows, {}),
    clock: systemClock,
    logsBucket: () => 'gs://logs',
    logUrl: (id: string) => `http://localhost/builds/${id}`,
    enqueued: () => wake(),
  };
  return {
    deps,
    snapshots: { rows: sources, content },
    sources: new SourceStore(sources, content),
    sourceRows: sources,
    submitDeps,
    poolRows,
    workerPools: new WorkerPools(poolRows, systemClock),
    records,
    queue,
    logs,
    buckets,
    secrets,
    held,
    onEnqueued: (listener: () => void) => {
      wake = listener;
    },
    submit: (request: BuildRequest, more: Partial<Submission> = {}) =>
      submitBuild({ request, project: 'p1', location: 'europe-central2', actor: 'me', ...more }, submitDeps),
    logOf: async (id: string) => {
      const info = await logs.info(id);
      return info === undefined ? undefined : (await logs.read(id, 0, info.readable)).toString('utf8');
    },
    /** What a build must not leave behind. */
    leftovers: async () => ({
      folders: await readdir(folderOfBuilds).catch(() => []),
      scopes: [...held.scopes],
      networks: [...held.networks],
      tokens: [...held.tokens],
      rootfs: held.rootfs,
    }),
    close: async () => {
      await database.destroy();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export const NOTHING_LEFT = { folders: [], scopes: [], networks: [], tokens: [], rootfs: 0 };
