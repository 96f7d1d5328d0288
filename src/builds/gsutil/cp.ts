import { gsutilSize } from '../sources/binary-size.ts';
import { isFolder } from './objects.ts';
import { CommandException, type GsutilCommand, type GsutilSession, splitFlags } from './session.ts';
import { type CopyItem, copyItems } from './sources.ts';
import { contentType, transfer } from './transfer.ts';
import { formatPlace, hasWildcard, type Place, parsePlace } from './urls.ts';

/** `gsutil cp [-r] [-n] SRC... DST` and `gsutil mv`, which removes what it has copied. */
export const cp: GsutilCommand = (args, session) => copy('cp', args, session);

export const mv: GsutilCommand = async (args, session) => {
  const moved: CopyItem[] = [];
  const code = await copy('mv', args, session, (item) => moved.push(item));
  for (const { from } of moved) {
    session.caller.signal.throwIfAborted();
    session.err(
      `Removing ${from.kind === 'cloud' ? formatPlace({ kind: 'cloud', bucket: from.object.bucket, path: from.object.name }) : `file://${from.shown}`}...`,
    );
    if (from.kind === 'cloud') await session.buckets.remove(from.object.bucket, from.object.name);
    else await session.files.remove(from.path);
  }
  return code;
};

async function copy(
  name: string,
  args: readonly string[],
  session: GsutilSession,
  copied: (item: CopyItem) => void = () => undefined,
): Promise<number> {
  const { flags, rest } = splitFlags(name, args, { switches: 'rRnpPcLvDeIuUZMa', values: 'sjz' });
  const destination = rest.pop();
  if (destination === undefined || rest.length === 0)
    throw new CommandException(`Wrong number of arguments for "${name}" command.`);
  const recursive = flags.has('r') || flags.has('R') || name === 'mv';
  if (destination === '-') return toStandardOutput(rest, recursive, session);
  const target = await targetOf(destination, session);
  let count = 0;
  let bytes = 0;
  let first: CopyItem | undefined;
  for await (const item of copyItems(rest, recursive, session)) {
    const second = first !== undefined;
    first ??= item;
    if ((second || rest.length > 1) && !target.folder && !item.below.includes('/') && !recursive)
      throw new CommandException(
        `Destination URL must name a directory, bucket, or bucket\nsubdirectory for the multiple source form of the ${name} command.`,
      );
    const to = placeFor(item, rest, target);
    if (flags.has('n') && (await isThere(to, session))) {
      session.err(`Skipping existing item: ${formatPlace(to)}`);
      continue;
    }
    announce(item, to, session);
    bytes += await transfer(item, to, session);
    copied(item);
    count++;
  }
  report(count, bytes, session);
  return 0;
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

export function announce(item: CopyItem, to: Place, session: GsutilSession): void {
  if (session.quiet) return;
  const { from } = item;
  if (from.kind === 'file') {
    const type = to.kind === 'cloud' ? ` [Content-Type=${contentType(from.path)}]` : '';
    session.err(`Copying file://${from.shown}${type}...`);
    return;
  }
  const type = to.kind === 'cloud' ? ` [Content-Type=${from.object.contentType}]` : '';
  session.err(
    `Copying ${formatPlace({ kind: 'cloud', bucket: from.object.bucket, path: from.object.name })}${type}...`,
  );
}

/** gsutil's last two lines. */
export function report(count: number, bytes: number, session: GsutilSession): void {
  if (session.quiet || count === 0) return;
  const size = gsutilSize(bytes).padStart(10);
  session.err(`/ [${count} files][${size}/${size}]`);
  session.err(`Operation completed over ${count} objects/${gsutilSize(bytes)}.`);
}

async function toStandardOutput(
  sources: readonly string[],
  recursive: boolean,
  session: GsutilSession,
): Promise<number> {
  for await (const { from } of copyItems(sources, recursive, session)) {
    const stream =
      from.kind === 'cloud' ? await session.buckets.open(from.object) : await session.files.read(from.path);
    for await (const chunk of stream) {
      session.caller.signal.throwIfAborted();
      session.output.stdout(chunk as Buffer);
    }
  }
  return 0;
}

export const cat: GsutilCommand = (args, session) => {
  const { rest } = splitFlags('cat', args, { switches: 'h' });
  return toStandardOutput(rest, false, session);
};
