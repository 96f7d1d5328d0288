import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { BucketObject, BucketReader } from '../../stores/buckets/buckets.ts';
import type { BuildRequest } from '../request/request.ts';

type StorageSourceManifest = NonNullable<NonNullable<BuildRequest['source']>['storageSourceManifest']>;

const MANIFEST_LIMIT = 64 << 20;
const MAX_FILES = 1_000_000;
/** Objects on their way at once. */
const AT_ONCE = 8;
/** What the hosted service's fetcher gives to every file. */
const DEFAULT_MODE = 0o555;

/**
 * What gcs-uploader writes: path -> the object that holds the file, its SHA-1 in hex (other characters don't count) and
 * Go's os.FileMode as a number.
 */
const manifestSchema = z.record(
  z.string(),
  z.object({ sourceUrl: z.string(), sha1sum: z.string().optional(), mode: z.number().int().min(0).optional() }),
);

interface ManifestFile {
  path: string;
  bucket: string;
  object: string;
  generation?: string | undefined;
  sha1: string;
  mode: number;
}

/**
 * Fetches `source.storageSourceManifest`: every file is an object of its own, so an uploader sends only those that a bucket
 * doesn't have yet.
 * @returns the manifest's object
 * @throws Problem `not-found`, `invalid`, `denied` for a bucket of another project, `exhausted`, `cancelled`
 */
export async function fetchManifestSource(
  source: StorageSourceManifest,
  buckets: BucketReader,
  workspace: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<BucketObject> {
  const url = `gs://${source.bucket}/${source.object}`;
  const object = await buckets.stat(source.bucket, source.object, source.generation);
  if (object === undefined) throw new Problem('not-found', `could not find source manifest ${url}`);
  say(`Fetching manifest ${url}#${object.generation}.`);
  const files = filesOf(await readManifest(object, buckets, url), url);
  say(`Processing ${files.length} files.`);
  const room = new SpaceGuard(workspace, RESERVE_BYTES);
  const started = performance.now();
  const turns = new Semaphore(AT_ONCE);
  const broken = new AbortController();
  const either = AbortSignal.any([signal, broken.signal]);
  let bytes = 0;
  const fetchOne = async (file: ManifestFile) => {
    either.throwIfAborted();
    bytes += await fetchFile(file, buckets, workspace, room, either);
  };
  const work = files.map((file) =>
    turns.with(() =>
      fetchOne(file).catch((error: unknown) => {
        broken.abort();
        throw error;
      }),
    ),
  );
  const failed = (await Promise.allSettled(work)).filter((result) => result.status === 'rejected');
  signal.throwIfAborted();
  if (failed.length > 0) throw failed.find(({ reason }) => reason instanceof Problem)?.reason ?? failed[0]?.reason;
  say('******************************************************');
  say('Status:                      SUCCESS');
  say(`Total files:       ${String(files.length).padStart(6)}`);
  say(`MiB downloaded:    ${(bytes / (1 << 20)).toFixed(2).padStart(9)} MiB`);
  say(`Total time:        ${((performance.now() - started) / 1000).toFixed(2).padStart(9)} s`);
  say('******************************************************');
  return object;
}

async function readManifest(object: BucketObject, buckets: BucketReader, url: string): Promise<unknown> {
  if (object.size > MANIFEST_LIMIT)
    throw new Problem('invalid', `${url} is no source manifest: it is larger than ${MANIFEST_LIMIT >> 20} MiB`);
  const chunks: Buffer[] = [];
  for await (const chunk of await buckets.open(object)) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new Problem('invalid', `decoding JSON from manifest file ${url}: ${(error as Error).message}`);
  }
}

function filesOf(json: unknown, url: string): ManifestFile[] {
  const { data, error } = manifestSchema.safeParse(json);
  if (data === undefined) {
    const issue = error.issues[0];
    throw new Problem('invalid', `${url} is no source manifest: ${issue?.path.join('.')}: ${issue?.message}`, {
      hint: 'It is a JSON object: {"path": {"sourceUrl": "gs://bucket/object", "sha1sum": "...", "mode": 420}}.',
    });
  }
  const entries = Object.entries(data);
  if (entries.length > MAX_FILES) throw new Problem('invalid', `${url} names more than ${MAX_FILES} files`);
  return entries.map(([path, { sourceUrl, sha1sum = '', mode = 0 }]) => ({
    path: cleanPath(path),
    ...parseSourceUrl(sourceUrl),
    sha1: sha1sum.toLowerCase().replace(/[^0-9a-f]/g, ''),
    mode: mode & 0o777 || DEFAULT_MODE,
  }));
}

function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || path.includes('\0'))
    throw new Problem('invalid', `the manifest names ${JSON.stringify(path)}, which is no path inside the workspace`);
  return parts.join('/');
}

/** `gs://B/O#GENERATION` or `https://storage.googleapis.com/B/O#GENERATION`. */
function parseSourceUrl(url: string): Pick<ManifestFile, 'bucket' | 'object' | 'generation'> {
  const [, bucket, object, generation] =
    /^(?:gs:\/\/|https?:\/\/storage\.googleapis\.com\/)([^/]+)\/(.+?)(?:#(\d+))?$/s.exec(url) ?? [];
  if (bucket === undefined || object === undefined)
    throw new Problem('invalid', `cannot parse bucket/object from uri ${JSON.stringify(url)}`);
  return { bucket, object, ...(generation === undefined || generation === '0' ? {} : { generation }) };
}

/** The workspace is empty but for files of this manifest, which are no links, so its paths are as they look. */
async function fetchFile(
  { path, bucket, object: name, generation, sha1, mode }: ManifestFile,
  buckets: BucketReader,
  workspace: string,
  room: SpaceGuard,
  signal: AbortSignal,
): Promise<number> {
  const object = await buckets.stat(bucket, name, generation);
  if (object === undefined)
    throw new Problem(
      'not-found',
      `${path}: could not find gs://${bucket}/${name}${generation ? `#${generation}` : ''}`,
    );
  const target = join(workspace, path);
  const hash = createHash('sha1');
  try {
    await mkdir(dirname(target), { recursive: true });
    const file = await open(target, 'wx', mode);
    try {
      for await (const chunk of await buckets.open(object)) {
        signal.throwIfAborted();
        await room.take((chunk as Buffer).length);
        hash.update(chunk as Buffer);
        await file.writeFile(chunk as Buffer);
      }
      await file.chmod(mode);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST', 'ENOTDIR', 'EISDIR'))
      throw new Problem('invalid', `the manifest names ${path} as a file and as a folder`, { cause: error });
    throw diskProblem(error, workspace);
  }
  const got = hash.digest('hex');
  if (sha1 !== '' && got !== sha1)
    throw new Problem('invalid', `${path} SHA mismatch, got "${got}", want "${sha1}"`, {
      hint: `gs://${bucket}/${name} holds other bytes than the manifest was written for.`,
    });
  return object.size;
}
