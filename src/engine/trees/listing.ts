import type { Digest } from '../../images/digest.ts';
import type { Change } from './content-digest.ts';
import { type EntryType, parentOf, type TreeEntry } from './entry.ts';

/**
 * A path as a listing keeps it: what copying on top of it and looking up users need, and what tells two files apart
 * without their bytes.
 */
export interface ListedEntry {
  type: EntryType;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of a file; 0 for everything else. */
  size: number;
  /** Decimal nanoseconds since 1970. */
  mtimeNs: string;
  /** sha256 of a file's bytes. */
  digest?: Digest | undefined;
  link?: string | undefined;
  device?: { major: number; minor: number } | undefined;
  /** Values in base64. */
  xattrs?: Record<string, string> | undefined;
  /** A folder that no header of the layer describes; its data are those of a lower layer. */
  implied?: true;
}

/** Files whose text is kept, because names in --chown and USER are looked up in them. Longer ones are not read. */
export const KEPT_TEXTS: readonly string[] = ['etc/passwd', 'etc/group'];
export const KEPT_TEXT_LIMIT = 1 << 20;

/**
 * The paths of one layer, without bytes: made in passing whenever a layer is written, unpacked or scanned, kept by diffID,
 * so that COPY can know what lies below its destination without unpacking a base image, and layers can be compared and
 * shown without reading them.
 */
export class Listing {
  readonly entries = new Map<string, ListedEntry>();
  readonly whiteouts = new Set<string>();
  readonly opaques = new Set<string>();
  readonly texts = new Map<string, string>();

  add(change: Change): void {
    const path = change.kind === 'entry' ? change.entry.path : change.path;
    this.#implyParents(path);
    if (change.kind === 'whiteout') {
      this.whiteouts.add(path);
      return;
    }
    if (change.kind === 'opaque') {
      this.opaques.add(path);
      if (path !== '' && !this.entries.has(path)) this.entries.set(path, IMPLIED);
      return;
    }
    if (path === '') return;
    const { type, mode, uid, gid, size, mtimeNs, link, device, xattrs } = change.entry;
    const listed: ListedEntry = { type, mode, uid, gid, size: type === 'file' ? size : 0, mtimeNs: String(mtimeNs) };
    if (change.digest !== undefined) listed.digest = change.digest;
    if (link !== undefined) listed.link = link;
    if (device !== undefined) listed.device = device;
    if (xattrs !== undefined)
      listed.xattrs = Object.fromEntries(
        Object.entries(xattrs).map(([name, value]) => [name, value.toString('base64')]),
      );
    this.entries.set(path, listed);
  }

  /** From the bottom up to the first that is known: all above it are known as well. */
  #implyParents(path: string): void {
    const missing: string[] = [];
    for (let folder = parentOf(path); folder !== '' && !this.entries.has(folder); folder = parentOf(folder))
      missing.push(folder);
    for (const folder of missing.reverse()) this.entries.set(folder, IMPLIED);
  }
}

/** A folder of which nobody said more than that it is one. */
export const PLAIN_FOLDER: ListedEntry = { type: 'folder', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: '0' };
const IMPLIED: ListedEntry = { ...PLAIN_FOLDER, implied: true };

/** What was listed, as an entry for a layer or an archive. */
export function treeEntry(path: string, listed: ListedEntry): TreeEntry {
  const { type, mode, uid, gid, size, mtimeNs, link, device, xattrs } = listed;
  const entry: TreeEntry = { path, type, mode, uid, gid, size, mtimeNs: BigInt(mtimeNs) };
  if (link !== undefined) entry.link = link;
  if (device !== undefined) entry.device = device;
  if (xattrs !== undefined)
    entry.xattrs = Object.fromEntries(
      Object.entries(xattrs).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
    );
  return entry;
}

/** Where listings are kept, by diffID. */
export interface ListingStore {
  find(diffID: Digest): Promise<Listing | undefined>;
  /** Bytes of its files, without reading all of it. */
  bytes(diffID: Digest): Promise<number | undefined>;
  save(diffID: Digest, listing: Listing): Promise<void>;
}
