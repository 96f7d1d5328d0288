import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { RE2JS } from 're2js';
import { removeSource } from './copy.ts';
import { objectsBelow } from './objects.ts';
import { CommandException, type GsutilSession } from './session.ts';
import type { CopyItem } from './sources.ts';
import { sizeOf, transfer } from './transfer.ts';
import type { Place } from './urls.ts';

export interface SyncRequest {
  source: Place;
  target: Place;
  recursive: boolean;
  /** Takes away what the source doesn't have. */
  remove: boolean;
  /** Only says what it would do. */
  dry: boolean;
  /** Leaves what is there, also when it differs. */
  ignoreExisting: boolean;
  /** Regular expression over names below source and target: what it finds at their beginning is left alone on both sides. */
  exclude?: string | undefined;
}

export interface SyncListener {
  onStart(): void;
  onCopy(item: CopyItem, to: Place): void;
  onRemove(item: CopyItem): void;
}

/**
 * Makes the target hold what the source holds. Files are the same when size and md5 agree; the md5 of a local file is only
 * computed when the sizes do.
 */
export async function synchronise(
  request: SyncRequest,
  session: GsutilSession,
  listener: SyncListener,
): Promise<{ count: number; bytes: number }> {
  const { source, target, recursive, dry } = request;
  const excluded = exclusion(request.exclude);
  const wanted = async (place: Place) =>
    new Map([...(await itemsOf(place, recursive, session))].filter(([name]) => !excluded(name)));
  const have = await wanted(source);
  const there = await wanted(target);
  listener.onStart();
  const done = { count: 0, bytes: 0 };
  for (const [name, item] of have) {
    const other = there.get(name);
    if (other !== undefined && (request.ignoreExisting || (await same(item, other, session)))) continue;
    const to = below(target, name);
    listener.onCopy(item, to);
    if (dry) continue;
    done.bytes += await transfer(item, to, session);
    done.count++;
  }
  if (request.remove)
    for (const [name, item] of there) {
      if (have.has(name)) continue;
      listener.onRemove(item);
      if (!dry) await removeSource(item, session);
    }
  return done;
}

/** Python's `re.match`; the expression comes from whoever submits, and takes linear time here. */
function exclusion(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => false;
  try {
    const compiled = RE2JS.compile(`^(?:${pattern})`);
    return (name) => compiled.matcher(name).find();
  } catch (error) {
    throw new CommandException(
      `Invalid exclude filter (${pattern}): ${error instanceof Error ? error.message : error}`,
    );
  }
}

async function itemsOf(place: Place, recursive: boolean, session: GsutilSession): Promise<Map<string, CopyItem>> {
  const items = new Map<string, CopyItem>();
  if (place.kind === 'cloud') {
    const prefix = place.path === '' || place.path.endsWith('/') ? place.path : `${place.path}/`;
    for await (const object of objectsBelow(session.buckets, place.bucket, prefix)) {
      const name = object.name.slice(prefix.length);
      if (name === '' || name.endsWith('/') || (!recursive && name.includes('/'))) continue;
      items.set(name, { from: { kind: 'cloud', object }, below: name });
    }
    return items;
  }
  const visit = async (folder: string, name: string): Promise<void> => {
    for (const entry of await session.files.list(folder)) {
      const path = posix.join(folder, entry.name);
      const below = posix.join(name, entry.name);
      const info = entry.info.kind === 'other' ? await session.files.stat(path) : entry.info;
      if (entry.info.kind === 'folder' && recursive) await visit(path, below);
      else if (info?.kind === 'file')
        items.set(below, {
          from: { kind: 'file', path, shown: posix.join(place.path, below), size: info.size },
          below,
        });
    }
  };
  const root = session.absolute(place.path);
  if ((await session.files.stat(root))?.kind === 'folder') await visit(root, '');
  return items;
}

async function same(a: CopyItem, b: CopyItem, session: GsutilSession): Promise<boolean> {
  if (sizeOf(a) !== sizeOf(b)) return false;
  return (await md5Of(a, session)) === (await md5Of(b, session));
}

async function md5Of({ from }: CopyItem, session: GsutilSession): Promise<string> {
  if (from.kind === 'cloud' && from.object.md5 !== undefined) return from.object.md5;
  const stream = from.kind === 'cloud' ? await session.buckets.open(from.object) : await session.files.read(from.path);
  const hash = createHash('md5');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('base64');
}

function below(target: Place, name: string): Place {
  const base = target.path.replace(/\/+$/, '');
  return { ...target, path: base === '' ? name : `${base}/${name}` };
}
