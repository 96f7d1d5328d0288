import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DiskContent } from '../../src/adapters/disk/disk-content.ts';
import { DiskUploads } from '../../src/adapters/disk/disk-uploads.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../src/adapters/sqlite/repositories.ts';
import { SqliteTokens } from '../../src/adapters/sqlite/tokens.ts';
import { sqliteUpstream } from '../../src/adapters/sqlite/upstream.ts';
import { AccessTokens, loadSigningKey } from '../../src/auth/access-token.ts';
import type { Grant } from '../../src/auth/identity.ts';
import { ServiceAccounts } from '../../src/auth/service-account.ts';
import { TokenStore } from '../../src/auth/token-store.ts';
import { oauthDoor } from '../../src/doors/oauth/routes.ts';
import { registryDoor } from '../../src/doors/registry/door.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { DataFolder } from '../../src/lib/data-folder.ts';
import { RepositoryPulls } from '../../src/stores/upstream/repository-pulls.ts';
import { temporaryDataFolder } from '../suites/temporary-folder.ts';

export interface RegistryServer {
  /** `127.0.0.1:PORT`. */
  host: string;
  url: string;
  folder: DataFolder;
  store: SqliteRegistry;
  content: DiskContent;
  uploads: DiskUploads;
  blobs: ReturnType<typeof sqliteBlobRows>;
  tokens: TokenStore;
  accounts: ServiceAccounts;
  /** The secret of a new token. */
  token(...grants: Grant[]): Promise<string>;
  /** Most recent first: `METHOD path STATUS`. */
  requests: string[];
  close(): Promise<void>;
}

export interface RegistryServerOptions {
  /** A data folder that stays when the server is closed; otherwise one of its own. */
  folder?: DataFolder;
  reserveBytes?: number;
  clock?: Clock;
  /** Milliseconds after which a connection on which nothing moves is given up. */
  idleMs?: number;
}

/** The registry and token doors over a data folder, joined as start/ does it. */
export async function startRegistryServer(options: RegistryServerOptions = {}): Promise<RegistryServer> {
  const { reserveBytes, clock = systemClock } = options;
  const { folder, remove } =
    options.folder === undefined
      ? await temporaryDataFolder()
      : { folder: options.folder, remove: () => Promise.resolve() };
  const space = reserveBytes === undefined ? {} : { reserveBytes };
  const database = await openDatabase(folder.database);
  const rows = new SqliteTokens(database);
  const access = new AccessTokens(await loadSigningKey(join(folder.root, 'signing-key')));
  const tokens = new TokenStore({ rows, keys: rows, access });
  const accounts = new ServiceAccounts({ tokens, rows, keys: rows, access });
  const store = new SqliteRegistry(database, { clock });
  const rowsOfBlobs = sqliteBlobRows(database, clock);
  const content = new DiskContent({ folder: folder.content, rows: rowsOfBlobs, clock, ...space });
  const uploads = new DiskUploads({ folder: folder.uploads, content, clock, ...space });
  const pulls = new RepositoryPulls({
    registry: store,
    content,
    repositories: new SqliteRepositories(database),
    rows: sqliteUpstream(database),
    hosts: {},
    sharedProjects: () => [],
  });
  const registry = registryDoor({
    store,
    pulls,
    content,
    uploads,
    tokens,
    context: { authenticator: tokens, requireToken: true },
    names: { hosts: ['*-docker.pkg.dev'], defaultLocation: 'europe-central2' },
    isPublic: async ({ repository }) => repository === 'public',
  });
  const oauth = oauthDoor(accounts);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    response.once('close', () => {
      requests.unshift(`${request.method} ${request.url} ${response.statusCode}`);
      if (requests.length > 1000) requests.pop();
    });
    (request.url?.startsWith('/v2') ? registry : oauth)(request, response);
  });
  server.requestTimeout = 0;
  if (options.idleMs !== undefined) server.timeout = options.idleMs;
  await listen(server);
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    folder,
    store,
    content,
    uploads,
    blobs: rowsOfBlobs,
    tokens,
    accounts,
    requests,
    token: async (...grants) => (await tokens.create({ note: 'test', grants })).secret,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await database.destroy();
      await remove();
    },
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
