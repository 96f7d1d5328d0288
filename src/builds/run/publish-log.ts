import { Readable } from 'node:stream';
import { messageOf } from '../../lib/problem.ts';
import type { Build } from '../build.ts';
import { bucketsOf } from './bucket-access.ts';
import type { BuildDeps } from './build-deps.ts';
import { logPlaceOf } from './log-place.ts';

const CHUNK = 1 << 20;

/**
 * Copies a closed log to the bucket that the request named (`logsBucket: gs://b/dir` -> `dir/log-<id>.txt`). It never fails
 * a build: what went wrong is given back for its warnings.
 */
export async function publishLog(build: Build, deps: BuildDeps): Promise<string | undefined> {
  if (build.logsBucket === deps.logsBucket(build.projectId) || build.options.logging === 'NONE') return undefined;
  const { bucket, name } = logPlaceOf(build);
  try {
    const source = Readable.from(closedLog(build.id, deps));
    await bucketsOf(build.projectId, deps.buckets).put(bucket, name, source, { contentType: 'text/plain' });
    return undefined;
  } catch (error) {
    return `the log could not be copied to gs://${bucket}/${name}: ${messageOf(error)}`;
  }
}

async function* closedLog(id: string, deps: BuildDeps): AsyncGenerator<Buffer> {
  const { readable = 0 } = (await deps.logs.info(id)) ?? {};
  for (let at = 0; at < readable; at += CHUNK) yield deps.logs.read(id, at, Math.min(readable, at + CHUNK));
}
