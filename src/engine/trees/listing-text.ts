import type { EntryType } from './entry.ts';
import { type ListedEntry, Listing } from './listing.ts';

/** Listings without sizes and digests were version 1; such a file is as good as none, and its layer is scanned again. */
const VERSION = 2;

/** What most rows don't have stands behind, so that they can end early. */
type Row = [
  path: string,
  type: number,
  mode: number,
  uid: number,
  gid: number,
  mtimeNs: string,
  size?: number,
  /** Hex digits of the sha256, or empty. */
  digest?: string,
  link?: string | null,
  xattrs?: Record<string, string> | null,
  device?: [major: number, minor: number],
];

interface Text {
  version: typeof VERSION;
  /** Of all files; it stands in front, where it is found without reading the rest. Absent in listings of old. */
  bytes?: number;
  entries: Row[];
  /** Positions in `entries` of folders that no header describes. */
  implied: number[];
  whiteouts: string[];
  opaques: string[];
  texts: Record<string, string>;
}

const TYPES: readonly EntryType[] = ['file', 'folder', 'symlink', 'hardlink', 'char', 'block', 'fifo'];
const NUMBERS = Object.fromEntries(TYPES.map((type, i) => [type, i])) as Record<EntryType, number>;
const SHA256 = 'sha256:';

/** A listing as it is kept in a file: rows instead of objects, a third of their size and of the time to read them. */
export function writeListing(listing: Listing): string {
  const entries = [...listing.entries].map(rowOf);
  const implied = [...listing.entries.values()].flatMap((entry, i) => (entry.implied === undefined ? [] : [i]));
  const text: Text = {
    version: VERSION,
    bytes: bytesOf(listing),
    entries,
    implied,
    whiteouts: [...listing.whiteouts],
    opaques: [...listing.opaques],
    texts: Object.fromEntries(listing.texts),
  };
  return JSON.stringify(text);
}

/** Bytes of all files that a layer brings, as docker counts the size of a layer. */
export function bytesOf({ entries }: Listing): number {
  let sum = 0;
  for (const { size } of entries.values()) sum += size;
  return sum;
}

/** So much of a listing's text has the answer of `readBytes`. */
export const BYTES_WITHIN = 64;

/** `bytesOf` from the beginning of a listing's text, where it stands there. */
export function readBytes(beginning: string): number | undefined {
  const found = /^\{"version":2,"bytes":(\d+),/.exec(beginning)?.[1];
  return found === undefined ? undefined : Number(found);
}

function rowOf([path, entry]: [string, ListedEntry]): Row {
  const { type, mode, uid, gid, mtimeNs, size, digest, link, xattrs, device } = entry;
  const start: [string, number, number, number, number, string] = [path, NUMBERS[type], mode, uid, gid, mtimeNs];
  const hex = digest?.startsWith(SHA256) === true ? digest.slice(SHA256.length) : '';
  if (device !== undefined) return [...start, size, hex, link ?? null, xattrs ?? null, [device.major, device.minor]];
  if (xattrs !== undefined) return [...start, size, hex, link ?? null, xattrs];
  if (link !== undefined) return [...start, size, hex, link];
  return type === 'file' ? [...start, size, hex] : start;
}

/** Undefined for a file of an earlier version, or one that a power cut left short. */
export function readListing(text: string): Listing | undefined {
  const json = parse(text);
  if (json === undefined) return undefined;
  const listing = new Listing();
  for (const row of json.entries) listing.entries.set(row[0], entryOf(row));
  for (const position of json.implied) {
    const path = json.entries[position]?.[0];
    const entry = path === undefined ? undefined : listing.entries.get(path);
    if (entry !== undefined) entry.implied = true;
  }
  for (const path of json.whiteouts) listing.whiteouts.add(path);
  for (const path of json.opaques) listing.opaques.add(path);
  for (const [path, kept] of Object.entries(json.texts)) listing.texts.set(path, kept);
  return listing;
}

function entryOf([, type, mode, uid, gid, mtimeNs, size = 0, digest, link, xattrs, device]: Row): ListedEntry {
  const entry: ListedEntry = { type: TYPES[type] ?? 'file', mode, uid, gid, size, mtimeNs };
  if (digest) entry.digest = `sha256:${digest}`;
  if (link !== undefined && link !== null) entry.link = link;
  if (xattrs) entry.xattrs = xattrs;
  if (device !== undefined) entry.device = { major: device[0], minor: device[1] };
  return entry;
}

function parse(text: string): Text | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const whole = typeof json === 'object' && json !== null && 'version' in json && json.version === VERSION;
    return whole ? (json as Text) : undefined;
  } catch {
    return undefined;
  }
}
