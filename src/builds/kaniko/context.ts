import { mkdir } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { unpackTar } from '../../engine/sources/unpack-archive.ts';
import { decompress } from '../../images/decompress.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { NativeContext } from '../builders/native-builder.ts';
import type { Flags } from '../docker/flags.ts';
import { parsePlace } from '../gsutil/urls.ts';
import type { StepFiles } from '../run/step-files.ts';

/** Where kaniko itself unpacks contexts. */
const UNPACKED = '/kaniko/buildcontext';

export interface KanikoContext {
  /** A folder as `files` has it, or the address of a repository or archive. */
  context: string;
  /** The step's files, and the unpacked context. */
  files: StepFiles;
}

/**
 * What `--context` means: a folder, `dir://`, `tar://FILE`, `gs://BUCKET/FILE`, `git://HOST/REPO#REF`, or an archive behind
 * https. Archives are unpacked into a folder of the step's own.
 * @throws Problem
 */
export async function openKanikoContext(flags: Flags, context: NativeContext): Promise<KanikoContext> {
  const { files, cwd } = context;
  const bucket = flags.one('bucket');
  const text = bucket ? (bucket.includes('://') ? bucket : `gs://${bucket}`) : flags.one('context') || '/workspace/';
  const below = flags.one('context-sub-path') ?? '';
  const [, scheme = '', rest = ''] = /^([a-z0-9+]+):\/\/(.*)$/s.exec(text) ?? ['', '', text];
  if (scheme === '') return { context: posix.resolve(cwd, text), files };
  if (scheme === 'dir') return { context: posix.resolve(cwd, rest, below), files };
  if (scheme === 'git') return { context: gitAddress(rest, below), files };
  if (scheme === 'https' && !rest.includes('.blob.core.windows.net/')) return { context: text, files };
  if (scheme === 'tar' && rest !== 'stdin')
    return await unpacked(await files.read(posix.resolve(cwd, rest)), text, below, context);
  if (scheme === 'gs') return await unpacked(await openObject(text, context), text, below, context);
  throw new Problem('unsupported', `--context=${text}: contexts are not taken from there`, {
    hint: 'A context is a folder of the workspace, dir://, tar://FILE, gs://BUCKET/FILE.tar.gz, git://HOST/REPOSITORY.git#REF or https://HOST/FILE.tar.gz.',
  });
}

/** `git://HOST/REPO[#refs/heads/BRANCH[#COMMIT]]`, which kaniko fetches by https; a commit is more than its branch. */
function gitAddress(rest: string, below: string): string {
  const [repository = '', ref = '', commit = ''] = rest.split('#');
  const address = `https://${repository.replace(/\.git$/, '')}.git`;
  const what = (commit || ref).replace(/^refs\/(?:heads|tags)\//, '');
  return what === '' && below === '' ? address : `${address}#${what}${below === '' ? '' : `:${below}`}`;
}

async function openObject(text: string, { buckets }: NativeContext): Promise<Readable> {
  const place = parsePlace(text);
  if (place.kind !== 'cloud') throw new Error(`not a place in a bucket: ${text}`);
  const name = place.path === '' ? 'context.tar.gz' : place.path;
  const object = await buckets.stat(place.bucket, name);
  if (object === undefined) throw new Problem('not-found', `gs://${place.bucket}/${name}: no such object`);
  return await buckets.open(object);
}

async function unpacked(
  bytes: Readable,
  text: string,
  below: string,
  { files, scratch, caller }: NativeContext,
): Promise<KanikoContext> {
  const folder = posix.join(await scratch(), 'context');
  await mkdir(folder);
  try {
    await unpackTar(decompress(bytes), folder, caller.signal);
  } catch (error) {
    caller.signal.throwIfAborted();
    throw new Problem('invalid', `${text} can't be unpacked: ${messageOf(error)}`, { cause: error });
  } finally {
    bytes.destroy();
  }
  return { context: posix.join(UNPACKED, below), files: files.with(UNPACKED, folder) };
}
