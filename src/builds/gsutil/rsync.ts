import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { announce, report } from './cp.ts';
import { objectsBelow } from './objects.ts';
import { CommandException, type GsutilCommand, type GsutilSession, splitFlags } from './session.ts';
import type { CopyItem } from './sources.ts';
import { sizeOf, transfer } from './transfer.ts';
import { formatPlace, type Place, parsePlace } from './urls.ts';

/**
 * `gsutil rsync [-r] [-d] [-n] SRC DST`: makes the destination hold what the source holds. Files are the same when size
 * and md5 agree; the md5 of a local file is only computed when the sizes do.
 */
export const rsync: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('rsync', args, { switches: 'rRdnceCpPuUi', values: 'jy' });
  const [source, target] = rest.map(parsePlace);
  if (source === undefined || target === undefined || rest.length !== 2)
    throw new CommandException('Wrong number of arguments for "rsync" command.');
  const recursive = flags.has('r') || flags.has('R');
  session.err('Building synchronization state...');
  const have = await itemsOf(source, recursive, session);
  const there = await itemsOf(target, recursive, session);
  session.err('Starting synchronization...');
  const dry = flags.has('n');
  let count = 0;
  let bytes = 0;
  for (const [name, item] of have) {
    const other = there.get(name);
    if (other !== undefined && (await same(item, other, session))) continue;
    const to = below(target, name);
    if (dry) {
      session.err(`Would copy ${shown(item)} to ${formatPlace(to)}`);
      continue;
    }
    announce(item, to, session);
    bytes += await transfer(item, to, session);
    count++;
  }
  if (flags.has('d'))
    for (const [name, item] of there) {
      if (have.has(name)) continue;
      session.caller.signal.throwIfAborted();
      session.err(`${dry ? 'Would remove' : 'Removing'} ${shown(item)}`);
      if (dry) continue;
      if (item.from.kind === 'cloud') await session.buckets.remove(item.from.object.bucket, item.from.object.name);
      else await session.files.remove(item.from.path);
    }
  report(count, bytes, session);
  return 0;
};

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

function shown({ from }: CopyItem): string {
  return from.kind === 'file'
    ? `file://${from.shown}`
    : formatPlace({ kind: 'cloud', bucket: from.object.bucket, path: from.object.name });
}
