import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DiskContent } from '../../src/adapters/disk/disk-content.ts';
import { DiskUploads } from '../../src/adapters/disk/disk-uploads.ts';
import { logBucketName } from '../../src/adapters/disk/log-bucket-name.ts';
import { LogFiles } from '../../src/adapters/disk/log-files.ts';
import { SqliteBuckets } from '../../src/adapters/sqlite/buckets.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts';
import { SqliteTokens } from '../../src/adapters/sqlite/tokens.ts';
import { SqliteSources } from '../../src/adapters/sqlite-builds/sources.ts';
import { AccessTokens, loadSigningKey } from '../../src/auth/access-token.ts';
import type { Grant } from '../../src/auth/identity.ts';
import { ServiceAccounts } from '../../src/auth/service-account.ts';
import { TokenStore } from '../../src/auth/token-store.ts';
import type { NodeHandler } from '../../src/doors/http/door.ts';
import { oauthDoor } from '../../src/doors/oauth/routes.ts';
import { CertificateAuthority } from '../../src/doors/proxy/certificate-authority.ts';
import { proxyDoor } from '../../src/doors/proxy/door.ts';
import { certifiedHosts } from '../../src/doors/proxy/served-hosts.ts';
import { registryDoor } from '../../src/doors/registry/door.ts';
import { servesStorage, storageDoor } from '../../src/doors/storage/door.ts';
import type { DataFolder } from '../../src/lib/data-folder.ts';
import type { BucketManager } from '../../src/stores/buckets/buckets.ts';
import { ContentBuckets } from '../../src/stores/buckets/content-buckets.ts';
import { ResumableUploads } from '../../src/stores/buckets/resumable-uploads.ts';
import { withLogBucket } from '../../src/stores/buckets/with-log-bucket.ts';
import { SourceStore } from '../../src/stores/sources/source-store.ts';
import { StandardPulls } from '../../src/stores/upstream/standard-pulls.ts';
import { temporaryDataFolder } from '../suites/temporary-folder.ts';

export interface StorageServer {
  /** `127.0.0.1:PORT`. */
  host: string;
  url: string;
  folder: DataFolder;
  buckets: BucketManager;
  logs: LogFiles;
  logBucket: string;
  accounts: ServiceAccounts;
  /** Whose log each build's is. */
  projects: Map<string, string>;
  /** The secret of a new token. */
  token(...grants: Grant[]): Promise<string>;
  /** Most recent first: `METHOD host path STATUS`. */
  requests: string[];
  close(): Promise<void>;
}

/** Storage, registry and token doors behind one port that is a proxy too, over a data folder of their own. */
export async function startStorageServer(): Promise<StorageServer> {
  const { folder, remove } = await temporaryDataFolder();
  const database = await openDatabase(folder.database);
  const rows = new SqliteTokens(database);
  const access = new AccessTokens(await loadSigningKey(join(folder.root, 'signing-key')));
  const tokens = new TokenStore({ rows, keys: rows, access });
  const accounts = new ServiceAccounts({ tokens, rows, keys: rows, access });
  const context = { authenticator: tokens, requireToken: true };
  const content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database) });
  const logs = new LogFiles(folder.logs);
  const logBucket = await logBucketName(folder.root);
  const projects = new Map<string, string>();
  const buckets = withLogBucket(new ContentBuckets(new SqliteBuckets(database), content), logs, logBucket);
  const storage = storageDoor({
    buckets,
    uploads: new ResumableUploads(join(folder.uploads, 'buckets'), buckets),
    sources: new SourceStore(new SqliteSources(database), content),
    logs: { bucket: logBucket, projectOf: async (build) => projects.get(build) },
    context,
  });
  const store = new SqliteRegistry(database);
  const registry = registryDoor({
    store,
    pulls: new StandardPulls(store, content),
    content,
    uploads: new DiskUploads({ folder: folder.uploads, content }),
    tokens,
    context,
    names: { hosts: ['*-docker.pkg.dev'], defaultLocation: 'europe-central2' },
    isPublic: async ({ repository }) => repository === 'public',
  });
  const oauth = oauthDoor(accounts);
  const requests: string[] = [];
  const handler: NodeHandler = (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/';
    response.once('close', () =>
      requests.unshift(`${request.method} ${request.headers.host} ${path} ${response.statusCode}`),
    );
    if (servesStorage(request.headers.host, path)) storage(request, response);
    else (path.startsWith('/v2') ? registry : oauth)(request, response);
  };
  const certificates = { certificate: folder.ca, key: join(folder.root, 'ca.key') };
  const authority = await CertificateAuthority.open(certificates, certifiedHosts([]));
  const proxy = proxyDoor({ authority, handler, isOwnRegistry: () => true, grpc: (socket) => socket.destroy() });
  const server = createServer(proxy.plain);
  server.requestTimeout = 0;
  server.on('connect', proxy.connect);
  await listen(server);
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    folder,
    buckets,
    logs,
    logBucket,
    accounts,
    projects,
    requests,
    token: async (...grants) => (await tokens.create({ note: 'test', grants })).secret,
    close: async () => {
      await proxy.close();
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
