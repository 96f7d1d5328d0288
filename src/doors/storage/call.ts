import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identity } from '../../auth/identity.ts';
import type { BucketManager } from '../../stores/buckets/buckets.ts';
import type { ResumableUploads } from '../../stores/buckets/resumable-uploads.ts';
import type { SourceStore } from '../../stores/sources/source-store.ts';
import type { DoorContext } from '../http/door.ts';

/** Whose log it is decides who may read it; the log bucket itself belongs to nobody. */
export interface BuildLogs {
  bucket: string;
  /** Undefined when there is no such build. */
  projectOf(buildId: string): Promise<string | undefined>;
}

export interface StorageDoorParts {
  /** With the log bucket among them (`withLogBucket`). */
  buckets: BucketManager;
  uploads: ResumableUploads;
  /** What `slipway submit` sends piece by piece. */
  sources: Pick<SourceStore, 'missing' | 'receive' | 'complete'>;
  logs: BuildLogs;
  context: DoorContext;
}

/** One request, as its handler sees it. */
export interface StorageCall extends StorageDoorParts {
  request: IncomingMessage;
  response: ServerResponse;
  identity: Identity;
  query: URLSearchParams;
  /** Of the route, percent-decoded. */
  params: Record<string, string>;
}

/** A parameter that the route's pattern guarantees. */
export function param(call: StorageCall, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`the route has no {${name}}`);
  return value;
}

/** A query parameter; empty counts as absent. */
export function queryOf(call: StorageCall, name: string): string | undefined {
  return call.query.get(name) || undefined;
}
