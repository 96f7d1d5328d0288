import { isFolder } from './objects.ts';
import { CommandException, type GsutilSession, NotAFolder } from './session.ts';
import { type CopyItem, copyItems } from './sources.ts';
import { transfer } from './transfer.ts';
import { hasWildcard, type Place, parsePlace } from './urls.ts';

export interface CopyRequest {
  /** For complaints: `cp` or `mv`. */
  command: string;
  sources: readonly string[];
  destination: string;
  recursive: boolean;
  /** Leaves what is there. */
  noClobber: boolean;
}

export interface CopyListener {
  onCopy(item: CopyItem, to: Place): void;
  onSkip(to: Place): void;
  /** It is there as a whole. */
  onCopied?(item: CopyItem): void;
}

/** Copies between buckets and the files of a step, by gsutil's rules of what goes where, which gcloud storage has as well. */
export async function copyObjects(
  { command, sources, destination, recursive, noClobber }: CopyRequest,
  session: GsutilSession,
  listener: CopyListener,
): Promise<{ count: number; bytes: number }> {
  const target = await targetOf(destination, session);
  const done = { count: 0, bytes: 0 };
  let first: CopyItem | undefined;
  for await (const item of copyItems(sources, recursive, session)) {
    const second = first !== undefined;
    first ??= item;
    if ((second || sources.length > 1) && !target.folder && !item.below.includes('/') && !recursive)
      throw new NotAFolder(command, destination);
    const to = placeFor(item, sources, target);
    if (noClobber && (await isThere(to, session))) {
      listener.onSkip(to);
      continue;
    }
    listener.onCopy(item, to);
    done.bytes += await transfer(item, to, session);
    listener.onCopied?.(item);
    done.count++;
  }
  return done;
}

/** Takes away what was moved. */
export async function removeSource({ from }: CopyItem, session: GsutilSession): Promise<void> {
  session.caller.signal.throwIfAborted();
  if (from.kind === 'cloud') await session.buckets.remove(from.object.bucket, from.object.name);
  else await session.files.remove(from.path);
}

/** To the log of the build. */
export async function printObjects(
  sources: readonly string[],
  recursive: boolean,
  session: GsutilSession,
): Promise<void> {
  for await (const { from } of copyItems(sources, recursive, session)) {
    const stream =
      from.kind === 'cloud' ? await session.buckets.open(from.object) : await session.files.read(from.path);
    for await (const chunk of stream) {
      session.caller.signal.throwIfAborted();
      session.output.stdout(chunk as Buffer);
    }
  }
}

interface Target {
  place: Place;
  /** Whether names go below it. */
  folder: boolean;
  /** A folder that isn't there yet takes the source folder's content, one that is there the folder itself. */
  exists: boolean;
}

async function targetOf(argument: string, session: GsutilSession): Promise<Target> {
  const place = parsePlace(argument);
  const slash = argument.endsWith('/');
  if (place.kind === 'file') {
    const stat = await session.files.stat(session.absolute(place.path));
    const folder = stat?.kind === 'folder';
    return { place, folder: folder || slash, exists: folder };
  }
  if (hasWildcard(place.path)) throw new CommandException(`Destination (${argument}) must match exactly 1 URL`);
  const exists = place.path === '' || slash || (await isFolder(session.buckets, place.bucket, place.path));
  return { place, folder: exists, exists };
}

/** Where an item goes: below a folder by its name, else to the very name that was given. */
function placeFor(item: CopyItem, sources: readonly string[], target: Target): Place {
  const { place } = target;
  const nested = item.below.includes('/');
  if (!target.folder && !nested && sources.length === 1) return place;
  // cp -r A B: when B isn't there, A becomes B
  const below = !target.exists && nested ? item.below.slice(item.below.indexOf('/') + 1) : item.below;
  const base = place.path.replace(/\/+$/, '');
  return { ...place, path: base === '' && place.kind === 'cloud' ? below : `${base}/${below}` };
}

async function isThere(place: Place, session: GsutilSession): Promise<boolean> {
  if (place.kind === 'cloud') return (await session.buckets.stat(place.bucket, place.path)) !== undefined;
  return (await session.files.stat(session.absolute(place.path))) !== undefined;
}
