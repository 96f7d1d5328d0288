import { Problem } from '../../lib/problem.ts';
import type { LogReader } from '../logs/logs.ts';
import type { BucketManager, BucketObject } from './buckets.ts';
import { LogObjects } from './log-objects.ts';

/**
 * The same buckets, and one more: a read-only view of the build logs, `log-<build id>.txt` each. It belongs to no project,
 * so no project's list shows it, and its objects are not listed: whoever knows a build asks for its log by name.
 *
 * @param name unguessable: a bucket that somebody else has at Google would answer a gcloud without our proxy with 403, which
 *   gcloud takes for the end of a good build (cloud-build.md 1.3)
 */
export function withLogBucket(store: BucketManager, logs: LogReader, name: string): BucketManager {
  const objects = new LogObjects(name, logs);
  const writable = (bucket: string): void => {
    if (bucket === name)
      throw new Problem('denied', `gs://${name} is a view of the build logs and can't be written to`);
  };
  return {
    bucket: async (bucket) =>
      bucket === name ? { name, project: '', location: 'global', createdAt: 0 } : store.bucket(bucket),
    buckets: (project) => store.buckets(project),
    stat: async (bucket, object, generation) => {
      if (bucket !== name) return store.stat(bucket, object, generation);
      const found = await objects.stat(object);
      return generation === undefined || found?.generation === generation ? found : undefined;
    },
    list: async (bucket, filter) => (bucket === name ? { objects: [], prefixes: [] } : store.list(bucket, filter)),
    open: async (object, range) => (object.bucket === name ? objects.open(object, range) : store.open(object, range)),
    createBucket: async (bucket) => {
      if (bucket.name === name) throw new Problem('conflict', `the bucket name ${name} is taken`);
      return store.createBucket(bucket);
    },
    put: async (bucket, object, source, options) => {
      writable(bucket);
      return store.put(bucket, object, source, options);
    },
    adopt: async (bucket, object, file, bytes, options) => {
      writable(bucket);
      return store.adopt(bucket, object, file, bytes, options);
    },
    copy: async (source, bucket, object, options) => {
      writable(bucket);
      if (source.bucket !== name) return store.copy(source, bucket, object, options);
      const { contentType, metadata } = source;
      return store.put(bucket, object, objects.open(source), { contentType, metadata, ...options });
    },
    compose: async (bucket, object, sources, options) => {
      writable(bucket);
      refuseLogs(name, sources);
      return store.compose(bucket, object, sources, options);
    },
    update: async (bucket, object, change) => {
      writable(bucket);
      return store.update(bucket, object, change);
    },
    remove: async (bucket, object, generation) => {
      writable(bucket);
      return store.remove(bucket, object, generation);
    },
    removeBucket: async (bucket) => {
      writable(bucket);
      return store.removeBucket(bucket);
    },
  };
}

/** Cloud Storage composes within one bucket only, and nothing is composed into this one. */
function refuseLogs(name: string, sources: BucketObject[]): void {
  if (sources.some((source) => source.bucket === name))
    throw new Problem('unsupported', 'a build log can be copied, but not composed with other objects');
}
