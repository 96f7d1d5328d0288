import { existsSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Trash } from '../adapters/disk/trash.ts';
import { FlightControl } from '../adapters/owner/flights.ts';
import { lockDataFolder } from '../adapters/owner/lock.ts';
import { serveObjects } from '../adapters/owner/server.ts';
import { SqliteBuckets } from '../adapters/sqlite/buckets.ts';
import { SqliteBuilds } from '../adapters/sqlite/builds.ts';
import { type CachePruned, sqliteCache } from '../adapters/sqlite/cache.ts';
import { sqliteBlobRows } from '../adapters/sqlite/content.ts';
import { type Database, openDatabase } from '../adapters/sqlite/database.ts';
import { sqliteEventCursors } from '../adapters/sqlite/event-cursors.ts';
import { sqliteNames } from '../adapters/sqlite/names.ts';
import { SqliteRegistry } from '../adapters/sqlite/registry.ts';
import { SqliteRegistryAudit } from '../adapters/sqlite/registry-audit.ts';
import { SqliteRepositories } from '../adapters/sqlite/repositories.ts';
import { SqliteTokens } from '../adapters/sqlite/tokens.ts';
import { sqliteUpstream } from '../adapters/sqlite/upstream.ts';
import { SqliteBuildEvents } from '../adapters/sqlite-builds/build-events.ts';
import { SqliteBuildQueue } from '../adapters/sqlite-builds/build-queue.ts';
import { SqliteSecrets } from '../adapters/sqlite-builds/secrets.ts';
import { SqliteSources } from '../adapters/sqlite-builds/sources.ts';
import { sqliteTriggerRows, type TriggerRows } from '../adapters/sqlite-builds/trigger-rows.ts';
import { SqliteWorkerPools } from '../adapters/sqlite-builds/worker-pools.ts';
import { AccessTokens, loadSigningKey } from '../auth/access-token.ts';
import { ServiceAccounts } from '../auth/service-account.ts';
import { TokenStore } from '../auth/token-store.ts';
import { GitLabConnections } from '../builds/gitlab/gitlab-connections.ts';
import type { BuildEvents } from '../builds/notify/build-events.ts';
import { type Config, readConfig } from '../config.ts';
import type { CacheLimits } from '../engine/cache/cache.ts';
import { Transport } from '../images/remote/transport.ts';
import { createDataFolder, type DataFolder, dataFolder } from '../lib/data-folder.ts';
import { writeDurably } from '../lib/durable-file.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { bucketRoots } from '../stores/buckets/roots.ts';
import type { BlobSweep, Roots } from '../stores/content/content.ts';
import type { ContentPlace } from '../stores/content/place.ts';
import { NameRoots } from '../stores/names/name-roots.ts';
import type { EventCursors } from '../stores/notify/cursors.ts';
import type { RegistryAudit } from '../stores/registry/audit.ts';
import { type KeepTimes, registryRoots } from '../stores/registry/roots.ts';
import { SecretKeys } from '../stores/secrets/secret-keys.ts';
import { sourceRoots } from '../stores/sources/roots.ts';
import type { RepositoryPulls } from '../stores/upstream/repository-pulls.ts';
import { tokensOfConnection } from './connection-build-tokens.ts';
import { openContentPlace } from './content-place.ts';
import { addressesOfBuilds } from './git-sandbox.ts';
import { pullsOver } from './pulls.ts';
import { RegistrySettings } from './registries.ts';
import type { BuildTokens, RowObjects } from './rows.ts';
import { type Stores, storesOver } from './stores.ts';

const HOUR_MS = 60 * 60 * 1000;

/** The one process that holds a data folder and alone opens its database. */
export interface Owner {
  folder: DataFolder;
  config: Config;
  stores: Stores;
  /** What a pull sees of the registry, remote and virtual repositories included. */
  pulls: RepositoryPulls;
  queue: SqliteBuildQueue;
  secrets: SqliteSecrets;
  triggerRows: TriggerRows;
  gitlab: GitLabConnections;
  tokens: TokenStore;
  accounts: ServiceAccounts;
  eventCursors: EventCursors;
  buildEvents: BuildEvents;
  /** Where the blobs are for good. */
  place: ContentPlace;
  /** For the collector and the recovery, which only the owner does. */
  sweep: BlobSweep;
  roots: Roots[];
  registryAudit: RegistryAudit;
  trash: Trash;
  /** Whoever removes stored bytes is alone; a backup is, so that nothing goes from under it. */
  removals: Semaphore;
  /** Of a build whose process died: its tokens and image names. */
  dropBuild(id: string): Promise<void>;
  /** The same of all builds that died with the owner before. */
  dropBuildLeftovers(): Promise<void>;
  /** Forgets cache records beyond the limits; their layers go with the next collection. */
  pruneCache(limits: CacheLimits): Promise<CachePruned>;
  close(): Promise<void>;
}

/**
 * Takes a data folder: lock, database brought up to date, first admin token, rows for the other processes.
 * @param activity for whoever comes second, e.g. `slipway serve`
 * @param content where its blobs are from now on; absent: as slipway.yaml says, or where they are
 * @throws Problem `conflict` when another process owns the folder, `invalid` for a mistake in slipway.yaml
 */
export async function openOwner(data: string, activity: string, content?: string): Promise<Owner> {
  const folder = dataFolder(data);
  // users of containers have to read what is made for them, whatever umask this was started with; the folder itself is ours
  process.umask(0o022);
  await createDataFolder(folder);
  const endings: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
  };
  try {
    const lock = await lockDataFolder(folder, activity);
    endings.push(() => lock.release());
    const config = readConfig(folder.config);
    const database = await openDatabase(folder.database);
    endings.push(() => database.destroy());
    const { tokens, accounts } = await openAuth(folder, database);
    const flights = new FlightControl();
    const blobs = sqliteBlobRows(database);
    const names = sqliteNames(database);
    const cache = sqliteCache(database);
    endings.push(() => cache.flush());
    const settings = new RegistrySettings(folder.config);
    const registry = new SqliteRegistry(database, { createOnPush: () => settings.current.createOnPush });
    const buckets = new SqliteBuckets(database);
    const secrets = new SqliteSecrets(database, new SecretKeys(folder.secretsKey));
    const triggerRows = sqliteTriggerRows(database);
    const transport = new Transport(addressesOfBuilds(config));
    endings.push(async () => transport.close());
    const gitlab = new GitLabConnections({ ...triggerRows, secrets, transport });
    const rows: RowObjects = {
      blobs,
      names,
      cache,
      flights: flights.of(),
      registry,
      repositories: new SqliteRepositories(database),
      upstream: sqliteUpstream(database),
      buckets,
      sources: new SqliteSources(database),
      builds: new SqliteBuilds(database, { told: config.builds.notifications.length > 0 }),
      workerPools: new SqliteWorkerPools(database),
      buildTokens: buildTokens(tokens, settings),
      secrets: { access: (...args) => secrets.access(...args) },
      connectedRepositories: { resolveRepository: (...args) => gitlab.resolveRepository(...args) },
    };
    const dropBuild = async (id: string) => {
      await names.drop(`build:${id}`);
      for (const token of await tokens.list())
        if (token.kind === 'build' && token.note === noteOf(id)) await tokens.revoke(token.id);
    };
    const served = await serveObjects(folder.rowsSocket, {
      objects: ({ closed }) => ({
        ...rows,
        flights: flights.of(closed),
        buildTokens: tokensOfConnection(rows.buildTokens, closed, dropBuild),
      }),
    });
    endings.push(() => served.close());
    await ensureAdminToken(folder, tokens);
    const place = await openContentPlace(folder, config, blobs, content);
    endings.push(() => place.close());
    const stores = storesOver(rows, folder, place.content);
    const pulls = pullsOver(stores, folder);
    endings.push(() => pulls.close());
    return {
      folder,
      config,
      stores,
      pulls,
      queue: new SqliteBuildQueue(database),
      secrets,
      triggerRows,
      gitlab,
      tokens,
      accounts,
      eventCursors: sqliteEventCursors(database),
      buildEvents: new SqliteBuildEvents(database),
      place,
      sweep: blobs,
      registryAudit: new SqliteRegistryAudit(database),
      roots: [
        registryRoots(registry, keepTimes(config)),
        bucketRoots(buckets),
        sourceRoots(rows.sources),
        cache.roots,
        new NameRoots(names, stores.content),
      ],
      trash: new Trash(folder.trash),
      removals: new Semaphore(1),
      dropBuild,
      async dropBuildLeftovers() {
        for (const scope of await names.scopes()) if (scope.startsWith('build:')) await names.drop(scope);
        for (const token of await tokens.list()) if (token.kind === 'build') await tokens.revoke(token.id);
      },
      pruneCache: (limits) => cache.prune(limits),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function keepTimes({ retention }: Config): KeepTimes {
  return { deletedMs: retention.undeleteHours * HOUR_MS, linkedMs: retention.pushHours * HOUR_MS };
}

async function openAuth(
  folder: DataFolder,
  database: Database,
): Promise<{ tokens: TokenStore; accounts: ServiceAccounts }> {
  const rows = new SqliteTokens(database);
  const access = new AccessTokens(await loadSigningKey(join(folder.root, 'signing-key')));
  const tokens = new TokenStore({ rows, keys: rows, access });
  return { tokens, accounts: new ServiceAccounts({ tokens, rows, keys: rows, access }) };
}

/** By which a build's token is found again. */
function noteOf(build: string): string {
  return `build ${build}`;
}

function buildTokens(tokens: TokenStore, registries: RegistrySettings): BuildTokens {
  return {
    async issue(build, project) {
      const { info, secret } = await tokens.create({
        note: noteOf(build),
        kind: 'build',
        grants: [
          { role: 'writer', project },
          ...registries.current.sharedProjects.map((shared) => ({ role: 'reader' as const, project: shared })),
        ],
      });
      return { id: info.id, secret };
    },
    async revoke(id) {
      await tokens.revoke(id);
    },
  };
}

/** The first admin token lies in a file that only the owner reads; without it nobody could ask for another. */
async function ensureAdminToken(folder: DataFolder, tokens: TokenStore): Promise<void> {
  if (existsSync(folder.token) && (await tokens.verify((await readFile(folder.token, 'utf8')).trim())) !== undefined) {
    await chmod(folder.token, 0o600);
    return;
  }
  const { secret } = await tokens.create({ note: 'the owner', grants: [{ role: 'admin', project: '*' }] });
  await writeDurably(folder.token, `${secret}\n`, 0o600);
}
