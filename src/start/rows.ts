import type { WorkerPoolRows } from '../builds/pools/pool-rows.ts';
import type { BuildRecords } from '../builds/records.ts';
import type { ConnectedRepositories } from '../builds/sources/source-deps.ts';
import type { CacheStore, Flights } from '../engine/cache/cache.ts';
import type { BucketRows } from '../stores/buckets/rows.ts';
import type { BlobRows } from '../stores/content/content.ts';
import type { NameStore } from '../stores/names/names.ts';
import type { RegistryStore } from '../stores/registry/registry.ts';
import type { RepositoryStore } from '../stores/repositories/repositories.ts';
import type { SecretReader } from '../stores/secrets/secrets.ts';
import type { SourceRows } from '../stores/sources/rows.ts';
import type { UpstreamRows } from '../stores/upstream/rows.ts';

/**
 * All rows that the processes of a machine share. The owner has them over its database; every other process has the same
 * objects over DATA/rows.sock (adapters/owner), and can't tell the difference.
 */
export interface RowObjects {
  blobs: BlobRows;
  names: NameStore;
  cache: CacheStore;
  flights: Flights;
  registry: RegistryStore;
  repositories: RepositoryStore;
  upstream: UpstreamRows;
  buckets: BucketRows;
  builds: BuildRecords;
  sources: SourceRows;
  workerPools: WorkerPoolRows;
  buildTokens: BuildTokens;
  /** Values one by one, on record; the key and all else stay with the owner. */
  secrets: SecretReader;
  /** Addresses of linked repositories with the credentials that open them. */
  connectedRepositories: ConnectedRepositories;
}

/** Identities of running builds: made by the owner, because only it sees tokens. */
export interface BuildTokens {
  /** Writes the repositories of the build's project, and reads those of the shared projects. */
  issue(build: string, project: string): Promise<{ id: string; secret: string }>;
  revoke(id: string): Promise<void>;
}
