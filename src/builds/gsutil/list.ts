import { timestamp } from '../../lib/clock.ts';
import type { BucketObject } from '../../stores/buckets/buckets.ts';
import { Wildcard } from '../run/wildcard.ts';
import { gsutilSize } from '../sources/binary-size.ts';
import { listLevel, objectsBelow } from './objects.ts';
import { CommandException, type GsutilCommand, type GsutilSession, splitFlags } from './session.ts';
import { formatPlace, hasWildcard, literalPrefix, parsePlace } from './urls.ts';

/** `gsutil ls [-l] [-r] [-d] [URL...]`; without one, the project's buckets. */
export const ls: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('ls', args, { switches: 'lLrRdhabe' });
  if (rest.length === 0) {
    for (const bucket of await session.buckets.buckets(session.caller.project)) session.out(`gs://${bucket.name}/`);
    return 0;
  }
  const recursive = flags.has('r') || flags.has('R');
  for (const arg of rest) {
    const { objects, prefixes } = await matches(arg, recursive, flags.has('d'), session);
    if (objects.length + prefixes.length === 0) throw new CommandException('One or more URLs matched no objects.');
    for (const object of objects) session.out(flags.has('l') ? longLine(object) : urlOf(object));
    for (const prefix of prefixes) session.out(prefix);
    if (flags.has('l')) {
      const bytes = objects.reduce((sum, object) => sum + object.size, 0);
      session.out(`TOTAL: ${objects.length} objects, ${bytes} bytes (${gsutilSize(bytes)})`);
    }
  }
  return 0;
};

/** What a URL means: one object, what a wildcard finds, or a folder's level. @throws CommandException for a file */
export async function matches(
  arg: string,
  recursive: boolean,
  folderItself: boolean,
  session: GsutilSession,
): Promise<{ objects: BucketObject[]; prefixes: string[] }> {
  const place = parsePlace(arg);
  if (place.kind !== 'cloud')
    throw new CommandException(`"ls" command does not support "file://" URLs. Did you mean to use a gs:// URL?`);
  const { bucket, path } = place;
  const url = (prefix: string) => formatPlace({ kind: 'cloud', bucket, path: prefix });
  if (recursive || hasWildcard(path)) {
    const test = hasWildcard(path) ? Wildcard.gsutil(path) : undefined;
    const objects: BucketObject[] = [];
    for await (const object of objectsBelow(session.buckets, bucket, literalPrefix(path)))
      if (test === undefined || test.test(object.name)) objects.push(object);
    return { objects, prefixes: [] };
  }
  const object = path === '' ? undefined : await session.buckets.stat(bucket, path);
  if (object !== undefined) return { objects: [object], prefixes: [] };
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;
  const level = await listLevel(session.buckets, bucket, prefix);
  if (folderItself && level.objects.length + level.prefixes.length > 0) return { objects: [], prefixes: [url(prefix)] };
  return { objects: level.objects, prefixes: level.prefixes.map(url) };
}

function longLine(object: BucketObject): string {
  return `${String(object.size).padStart(10)}  ${timestamp(object.updatedAt).replace(/\.\d+Z$/, 'Z')}  ${urlOf(object)}`;
}

export function urlOf(object: BucketObject): string {
  return formatPlace({ kind: 'cloud', bucket: object.bucket, path: object.name });
}

/** `gsutil stat URL...`. */
export const stat: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('stat', args, { switches: 'q' });
  let code = 0;
  for (const arg of rest) {
    const place = parsePlace(arg);
    const object = place.kind === 'cloud' ? await session.buckets.stat(place.bucket, place.path) : undefined;
    if (object === undefined) {
      session.err(`No URLs matched: ${arg}`);
      code = 1;
      continue;
    }
    if (flags.has('q')) continue;
    const lines: [string, string][] = [
      ['Creation time', new Date(object.createdAt).toUTCString()],
      ['Update time', new Date(object.updatedAt).toUTCString()],
      ['Storage class', 'STANDARD'],
      ['Content-Length', String(object.size)],
      ['Content-Type', object.contentType],
      ['Hash (crc32c)', object.crc32c],
      ...(object.md5 === undefined ? [] : [['Hash (md5)', object.md5] as [string, string]]),
      ['Generation', object.generation],
      ['Metageneration', object.metageneration],
    ];
    session.out(`${urlOf(object)}:`);
    for (const [name, value] of lines) session.out(`    ${`${name}:`.padEnd(24)}${value}`);
  }
  return code;
};
