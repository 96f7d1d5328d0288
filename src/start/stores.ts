import { LogFiles } from '../adapters/disk/log-files.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import type { BucketManager } from '../stores/buckets/buckets.ts';
import { ContentBuckets } from '../stores/buckets/content-buckets.ts';
import type { ContentStore } from '../stores/content/content.ts';
import type { LogStore } from '../stores/logs/logs.ts';
import type { RowObjects } from './rows.ts';

/** The stores of a data folder, as any process of the machine may have them: bytes by files, rows by the owner. */
export interface Stores extends RowObjects {
  content: ContentStore;
  objects: BucketManager;
  logs: LogStore;
}

export function storesOver(rows: RowObjects, folder: DataFolder, content: ContentStore): Stores {
  return {
    ...rowsOf(rows),
    content,
    objects: new ContentBuckets(rows.buckets, content),
    logs: new LogFiles(folder.logs),
  };
}

/** By name, because the objects of another process are made when they are asked for and can't be spread. */
function rowsOf(rows: RowObjects): RowObjects {
  const {
    blobs,
    names,
    cache,
    flights,
    registry,
    repositories,
    upstream,
    buckets,
    builds,
    sources,
    workerPools,
    buildTokens,
    secrets,
    connectedRepositories,
  } = rows;
  return {
    blobs,
    names,
    cache,
    flights,
    registry,
    repositories,
    upstream,
    buckets,
    builds,
    sources,
    workerPools,
    buildTokens,
    secrets,
    connectedRepositories,
  };
}
