import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { BucketObject } from '../../stores/buckets/buckets.ts';
import type { BuildResults } from '../build.ts';
import { contentType } from '../gsutil/transfer.ts';
import { BuildFailure } from '../run/failure.ts';
import type { BuildRun } from '../run/run-context.ts';
import { StepFiles } from '../run/step-files.ts';
import type { BuildTracker } from '../run/tracker.ts';
import { matchFiles } from './match-files.ts';

const AT_ONCE = 4;
/** `MD5` among the hash types of the API (cloudbuild.proto, Hash.HashType). */
const MD5 = 2;

type UploadResults = Pick<BuildResults, 'artifactManifest' | 'numArtifacts' | 'artifactTiming'>;

/**
 * Uploads `artifacts.objects`: every file below the location under its path in the workspace, then a manifest that names the
 * generation and the MD5 of each, one JSON line per file. The lines are the hosted service's.
 * @throws BuildFailure when a path means no file, or the bucket refuses
 */
export async function uploadObjects(run: BuildRun, tracker: BuildTracker, signal: AbortSignal): Promise<UploadResults> {
  const wanted = run.build.artifacts?.objects;
  if (wanted?.location === undefined) return {};
  const startTime = tracker.now();
  const location = wanted.location.replace(/\/*$/, '/');
  const say = (line: string) => run.log.line(line);
  const files = new StepFiles(new Map([['/workspace', run.workspace.workspace]]));
  const uploaded = new Map<string, BucketObject>();
  try {
    say(`Artifacts will be uploaded to ${wanted.location} using gsutil cp`);
    for (const pattern of wanted.paths ?? []) {
      say(`${pattern}: Uploading path....`);
      const paths = await matchFiles(pattern, files, signal);
      if (paths.length === 0) throw await nothingMatches(pattern, files);
      for (const object of await uploadAll(paths, location, files, run, signal)) uploaded.set(object.name, object);
      say(`${pattern}: ${paths.length} matching files uploaded`);
    }
    say(`${uploaded.size} total artifacts uploaded to ${wanted.location}`);
    const manifest = `artifacts-${run.build.id}.json`;
    say(`Uploading manifest ${manifest}`);
    await put(`${location}${manifest}`, Readable.from(linesOf(uploaded.values())), 'application/json', run, signal);
    say(`Artifact manifest located at ${location}${manifest}`);
    return {
      artifactManifest: `${location}${manifest}`,
      numArtifacts: String(uploaded.size),
      artifactTiming: { startTime, endTime: tracker.now() },
    };
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    throw new BuildFailure(
      'FAILURE',
      error.code === 'denied' ? 'PUSH_NOT_AUTHORIZED' : 'PUSH_FAILED',
      `error uploading artifacts to ${wanted.location}: ${error.message}`,
      { advice: error.hint, cause: error },
    );
  }
}

/**
 * Whether the bucket of `artifacts.objects` is there and the project's own: asked before the first step runs, not after hours.
 * @throws BuildFailure
 */
export async function requireArtifactBucket(run: BuildRun): Promise<void> {
  const location = run.build.artifacts?.objects?.location;
  if (location === undefined) return;
  const bucket = bucketOf(location);
  if ((await run.buckets.bucket(bucket)) !== undefined) return;
  throw new BuildFailure(
    'FAILURE',
    'PUSH_FAILED',
    `artifacts.objects.location: there is no bucket gs://${bucket} in project ${run.build.projectId}`,
    { advice: `Make it first: gcloud storage buckets create gs://${bucket} --project=${run.build.projectId}` },
  );
}

async function uploadAll(
  paths: readonly string[],
  location: string,
  files: StepFiles,
  run: BuildRun,
  signal: AbortSignal,
): Promise<BucketObject[]> {
  const room = new Semaphore(AT_ONCE);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const uploads = await Promise.allSettled(
    paths.map((path) =>
      room.with(async () => {
        either.throwIfAborted();
        try {
          const bytes = await files.read(posix.join('/workspace', path));
          return await put(`${location}${path}`, bytes, contentType(path), run, either);
        } catch (error) {
          stop.abort(error);
          throw error;
        }
      }),
    ),
  );
  // the first that failed on its own is why the others were stopped
  if (stop.signal.aborted) throw stop.signal.reason;
  signal.throwIfAborted();
  return uploads.flatMap((upload) => (upload.status === 'fulfilled' ? [upload.value] : []));
}

async function put(
  url: string,
  bytes: Readable,
  type: string,
  run: BuildRun,
  signal: AbortSignal,
): Promise<BucketObject> {
  const bucket = bucketOf(url);
  try {
    return await run.buckets.put(bucket, url.slice(`gs://${bucket}/`.length), bytes, { contentType: type, signal });
  } finally {
    bytes.destroy();
  }
}

function bucketOf(url: string): string {
  return url.replace(/^gs:\/\//, '').split('/', 1)[0] ?? '';
}

function* linesOf(objects: Iterable<BucketObject>): Generator<Buffer> {
  for (const { bucket, name, generation, md5 } of objects) {
    const record = {
      location: `gs://${bucket}/${name}#${generation}`,
      file_hash: [{ file_hash: [{ type: MD5, value: md5 }] }],
    };
    yield Buffer.from(`${JSON.stringify(record)}\n`);
  }
}

async function nothingMatches(pattern: string, files: StepFiles): Promise<Problem> {
  const folder = pattern.includes('/') && !/[*?[]/.test(posix.dirname(pattern)) ? posix.dirname(pattern) : '.';
  const there = await files.list(posix.resolve('/workspace', folder)).catch(() => undefined);
  const names = there?.map(({ name, info }) => (info.kind === 'folder' ? `${name}/` : name)) ?? [];
  const place = posix.resolve('/workspace', folder);
  return new Problem('not-found', `no file matches ${JSON.stringify(pattern)}`, {
    hint:
      there === undefined
        ? `There is no folder ${place}. Paths are those below /workspace.`
        : names.length === 0
          ? `${place} is empty when the steps have ended.`
          : `${place} holds ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''} when the steps have ended.`,
  });
}
