import { Problem } from '../../lib/problem.ts';
import type { LogReader } from '../logs/logs.ts';
import type { BucketObject } from './buckets.ts';
import { buildOfLogObject, LogObjects, logObjectName } from './log-objects.ts';
import type { withLogBucket } from './with-log-bucket.ts';

/** Where a build wants its log, whoever's bucket that is. */
export interface LogPlace {
  project: string;
  bucket: string;
  name: string;
  /** False: nobody sees it before it is whole. */
  streamed: boolean;
}

type LogBuckets = ReturnType<typeof withLogBucket>;

/**
 * The same buckets, in which the log of a running build stands where the build's `logsBucket` wants it, before it is copied
 * there at the end: so gcloud follows a log in a bucket of the user's as it follows any other. A log that isn't streamed is
 * in no bucket before its end.
 * @param logBucket the view of all logs
 * @param placeOf by build id; undefined when there is no such build
 */
export function withRunningLogs(
  store: LogBuckets,
  logs: LogReader,
  logBucket: string,
  placeOf: (build: string) => Promise<LogPlace | undefined>,
): LogBuckets {
  const objects = new LogObjects(logBucket, logs);
  const running = new WeakMap<BucketObject, BucketObject>();

  const runningLog = async (bucket: string, name: string): Promise<BucketObject | undefined> => {
    const build = buildOfLogObject(name.slice(name.lastIndexOf('/') + 1));
    const place = build === undefined ? undefined : await placeOf(build);
    if (build === undefined || place?.bucket !== bucket || place.name !== name || !place.streamed) return undefined;
    if ((await store.bucket(bucket))?.project !== place.project) return undefined;
    const log = await objects.stat(logObjectName(build));
    if (log === undefined) return undefined;
    const shown = { ...log, bucket, name };
    running.set(shown, log);
    return shown;
  };

  const isHidden = async (name: string): Promise<boolean> => {
    const build = buildOfLogObject(name);
    if (build === undefined || (await placeOf(build))?.streamed !== false) return false;
    return (await logs.info(build))?.closed !== true;
  };

  return {
    ...store,
    stat: async (bucket, name, generation) => {
      const found = await store.stat(bucket, name, generation);
      if (bucket === logBucket) return found !== undefined && (await isHidden(name)) ? undefined : found;
      if (found !== undefined) return found;
      const log = await runningLog(bucket, name);
      return generation === undefined || log?.generation === generation ? log : undefined;
    },
    open: async (object, range) => {
      const log = running.get(object);
      return log === undefined ? store.open(object, range) : objects.open(log, range);
    },
    copy: async (source, bucket, name, options) => {
      const log = running.get(source);
      return store.copy(log ?? source, bucket, name, options);
    },
    compose: async (bucket, name, sources, options) => {
      if (sources.some((source) => running.has(source)))
        throw new Problem(
          'unsupported',
          'the log of a running build can be copied, but not composed with other objects',
        );
      return store.compose(bucket, name, sources, options);
    },
  };
}
