import { timestamp } from '../../lib/clock.ts';
import type { BucketObject } from '../../stores/buckets/buckets.ts';
import { cat as gsutilCat } from '../gsutil/cat.ts';
import { matches, urlOf } from '../gsutil/list.ts';
import { removeObjects } from '../gsutil/remove.ts';
import { type GsutilSession, NothingMatched } from '../gsutil/session.ts';
import { hasWildcard, parsePlace } from '../gsutil/urls.ts';
import { flagsOf, type GcloudCommand, GcloudError } from './command.ts';
import { type Fields, formatFields, isKnownFormat } from './format.ts';

const RECURSIVE = [
  ...flagsOf('switch', ['recursive', 'r']),
  { name: 'recursive-R', short: 'R', takes: 'switch' as const },
];

export const ls: GcloudCommand = {
  flags: [
    ...RECURSIVE,
    ...flagsOf(
      'switch',
      ['long', 'l'],
      ['all-versions', 'a'],
      ['buckets', 'b'],
      ['etag', 'e'],
      ['full', 'L'],
      ['json', 'j'],
      'readable-sizes',
    ),
    ...flagsOf('value', 'format'),
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  beyond: (flags) => ['full', 'json', 'buckets', 'format', 'etag', 'all-versions'].some((name) => flags.has(name)),
  async run(flags, session) {
    if (flags.args.length === 0)
      for (const { name } of await session.buckets.buckets(session.caller.project)) session.out(`gs://${name}/`);
    const recursive = flags.on('recursive') || flags.on('recursive-R');
    const line = (object: BucketObject) =>
      flags.on('long') ? longLine(object, flags.on('readable-sizes')) : urlOf(object);
    const listed: BucketObject[] = [];
    for (const arg of flags.args) {
      const { objects, prefixes } = await matches(arg, recursive, false, session);
      if (objects.length + prefixes.length === 0) throw new GcloudError('One or more URLs matched no objects.');
      if (recursive && !hasWildcard(arg)) printTree(arg, objects, line, session);
      else {
        for (const object of objects) session.out(line(object));
        for (const prefix of prefixes) session.out(flags.on('long') ? `${' '.repeat(34)}${prefix}` : prefix);
      }
      listed.push(...objects);
    }
    if (flags.on('long')) {
      const bytes = listed.reduce((sum, { size }) => sum + size, 0);
      session.out(`TOTAL: ${listed.length} objects, ${bytes} bytes (${binary(bytes)})`);
    }
    return 0;
  },
};

/** A head for each folder, its objects below it, an empty line between. */
function printTree(
  arg: string,
  objects: readonly BucketObject[],
  line: (object: BucketObject) => string,
  session: GsutilSession,
): void {
  const folders = new Map<string, BucketObject[]>([[arg.endsWith('/') ? arg : `${arg}/`, []]]);
  for (const object of objects) {
    const url = urlOf(object);
    const folder = url.slice(0, url.lastIndexOf('/') + 1);
    folders.set(folder, [...(folders.get(folder) ?? []), object]);
  }
  let first = true;
  for (const [folder, inside] of folders) {
    if (!first) session.out('');
    first = false;
    session.out(`${folder}:`);
    for (const object of inside) session.out(line(object));
  }
}

function longLine(object: BucketObject, readable: boolean): string {
  const size = readable ? binary(object.size) : String(object.size);
  return `${size.padStart(10)}  ${timestamp(object.createdAt).replace(/\.\d+Z$/, 'Z')}  ${urlOf(object)}`;
}

/** `300B`, `1.95kiB` */
function binary(bytes: number): string {
  const units = ['B', 'kiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes}B` : `${value.toFixed(2)}${units[unit]}`;
}

export const cat: GcloudCommand = {
  flags: [...flagsOf('switch', ['display-url', 'd']), ...flagsOf('value', ['range', 'r'])],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  run: (flags, session) => {
    const range = flags.one('range');
    const line = [
      ...(flags.on('display-url') ? ['-h'] : []),
      ...(range === undefined ? [] : ['-r', range]),
      ...flags.args,
    ];
    return gsutilCat(line, session);
  },
};

export const rm: GcloudCommand = {
  flags: [
    ...RECURSIVE,
    ...flagsOf('switch', ['all-versions', 'a'], ['continue-on-error', 'c'], 'exclude-managed-folders'),
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(flags, session) {
    let said = false;
    for (const arg of flags.args) {
      const count = await removeObjects(arg, flags.on('recursive') || flags.on('recursive-R'), session, (url) => {
        if (!said) session.err('Removing objects:');
        said = true;
        session.err(`Removing ${url}...`);
      });
      if (count === 0) throw new NothingMatched(arg);
    }
    return 0;
  },
};

export const describeObject: GcloudCommand = {
  flags: [...flagsOf('value', 'format'), ...flagsOf('switch', 'raw')],
  args: { min: 1, max: 1 },
  beyond: (flags) => !isKnownFormat(flags.one('format')) || flags.has('raw'),
  async run(flags, session) {
    const [url = ''] = flags.args;
    const place = parsePlace(url);
    const object = place.kind === 'cloud' ? await session.buckets.stat(place.bucket, place.path) : undefined;
    if (object === undefined) throw new GcloudError(`${url} not found: 404.`);
    for (const line of formatFields(fieldsOf(object), flags.one('format'))) session.out(line);
    return 0;
  },
};

function fieldsOf(object: BucketObject): Fields {
  const time = (ms: number) =>
    timestamp(ms)
      .replace(/\.\d+Z$/, '+0000')
      .replace(/Z$/, '+0000');
  return {
    bucket: object.bucket,
    content_type: object.contentType,
    crc32c_hash: object.crc32c,
    creation_time: time(object.createdAt),
    generation: object.generation,
    md5_hash: object.md5,
    metageneration: Number(object.metageneration),
    name: object.name,
    size: object.size,
    storage_class: 'STANDARD',
    storage_url: `${urlOf(object)}#${object.generation}`,
    update_time: time(object.updatedAt),
  };
}
