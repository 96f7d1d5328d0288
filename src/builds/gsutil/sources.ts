import { posix } from 'node:path';
import type { BucketObject } from '../../stores/buckets/buckets.ts';
import { Wildcard } from '../run/wildcard.ts';
import { isFolder, objectsBelow } from './objects.ts';
import { CommandException, type GsutilSession, NothingMatched } from './session.ts';
import { formatPlace, hasWildcard, literalPrefix, parsePlace } from './urls.ts';

/** Something to copy. `below` is its name under the destination when that is a folder. */
export interface CopyItem {
  from: { kind: 'cloud'; object: BucketObject } | { kind: 'file'; path: string; shown: string; size: number };
  below: string;
}

/**
 * What the source arguments of `cp` mean: wildcards expanded, folders walked when `recursive`. In lists of several, and
 * in folders, an item keeps its name below the folder that was named.
 */
export async function* copyItems(
  args: readonly string[],
  recursive: boolean,
  session: GsutilSession,
): AsyncGenerator<CopyItem> {
  for (const arg of args) {
    const place = parsePlace(arg);
    let found = 0;
    for await (const item of place.kind === 'cloud'
      ? cloudItems(place.bucket, place.path, recursive, session)
      : fileItems(place.path, recursive, session)) {
      found++;
      yield item;
    }
    if (found === 0) throw new NothingMatched(place.kind === 'cloud' ? formatPlace(place) : arg);
  }
}

async function* cloudItems(
  bucket: string,
  path: string,
  recursive: boolean,
  session: GsutilSession,
): AsyncGenerator<CopyItem> {
  const { buckets } = session;
  const item = (object: BucketObject, below: string): CopyItem => ({ from: { kind: 'cloud', object }, below });
  if (!hasWildcard(path)) {
    const object = path === '' ? undefined : await buckets.stat(bucket, path);
    if (object !== undefined) yield item(object, posix.basename(path));
    else if (await isFolder(buckets, bucket, path)) {
      if (recursive) yield* folderItems(bucket, path, session);
      else
        session.err(`Omitting prefix "${formatPlace({ kind: 'cloud', bucket, path })}". (Did you mean to do cp -r?)`);
    }
    return;
  }
  const pattern = Wildcard.gsutil(path.replace(/\/$/, ''));
  const folders = new Set<string>();
  const depth = path.replace(/\/$/, '').split('/').length;
  for await (const object of objectsBelow(buckets, bucket, literalPrefix(path))) {
    if (pattern.test(object.name) && !object.name.endsWith('/')) yield item(object, posix.basename(object.name));
    else if (recursive && !path.includes('**')) {
      const folder = object.name.split('/').slice(0, depth).join('/');
      if (object.name.length > folder.length && pattern.test(folder) && !folders.has(folder)) folders.add(folder);
    }
  }
  for (const folder of folders) yield* folderItems(bucket, folder, session);
}

/** Everything below a folder of a bucket, named from the folder's own name on. */
async function* folderItems(bucket: string, path: string, session: GsutilSession): AsyncGenerator<CopyItem> {
  const folder = path.replace(/\/$/, '');
  const parent = folder === '' ? bucket : posix.basename(folder);
  for await (const object of objectsBelow(session.buckets, bucket, folder === '' ? '' : `${folder}/`)) {
    if (object.name.endsWith('/')) continue; // a placeholder that consoles make for an empty folder
    yield {
      from: { kind: 'cloud', object },
      below: posix.join(parent, object.name.slice(folder === '' ? 0 : folder.length + 1)),
    };
  }
}

async function* fileItems(path: string, recursive: boolean, session: GsutilSession): AsyncGenerator<CopyItem> {
  if (path === '-') throw new CommandException('a build step has no standard input to copy from');
  const matches = hasWildcard(path) ? await glob(path, session) : [path];
  for (const match of matches) {
    const stat = await session.files.stat(session.absolute(match));
    if (stat?.kind === 'file') yield fileItem(match, stat.size, posix.basename(match), session);
    else if (stat?.kind === 'folder' && recursive) {
      const name = posix.basename(session.absolute(match));
      yield* walk(match, /[/.]$/.test(match) && match.endsWith('.') ? '' : name, session);
    } else if (stat?.kind === 'folder')
      session.err(`Omitting directory "file://${match}". (Did you mean to do cp -r?)`);
  }
}

function fileItem(path: string, size: number, below: string, session: GsutilSession): CopyItem {
  return { from: { kind: 'file', path: session.absolute(path), shown: path, size }, below };
}

async function* walk(folder: string, below: string, session: GsutilSession): AsyncGenerator<CopyItem> {
  for (const { name, info } of await session.files.list(session.absolute(folder))) {
    const path = posix.join(folder, name);
    if (info.kind === 'folder') yield* walk(path, posix.join(below, name), session);
    else {
      // a link counts as what it leads to, within the workspace; what is neither is passed over, as gsutil does
      const stat = info.kind === 'file' ? info : await session.files.stat(session.absolute(path));
      if (stat?.kind === 'file') yield fileItem(path, stat.size, posix.join(below, name), session);
    }
  }
}

/** Files of the workspace that a wildcard means, by the spelling of the argument. */
async function glob(pattern: string, session: GsutilSession): Promise<string[]> {
  const prefix = literalPrefix(pattern);
  const root = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/') + 1) : '';
  const test = Wildcard.gsutil(pattern);
  const deep = pattern.includes('**');
  const levels = pattern.split('/').length;
  const found: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const { name, info } of await session.files.list(session.absolute(folder || '.'))) {
      const path = folder === '' ? name : `${folder.replace(/\/$/, '')}/${name}`;
      if (test.test(path) && !(deep && info.kind === 'folder')) found.push(path);
      if (info.kind === 'folder' && (deep || path.split('/').length < levels)) await visit(path);
    }
  };
  await visit(root).catch((error: unknown) => {
    if (found.length > 0 || !(error instanceof Error)) throw error;
  });
  return found;
}
