import type { TarEntryType, TarHeader } from '../../images/tar/header.ts';
import { opaqueName, readWhiteout, whiteoutName } from '../../images/tar/whiteout.ts';
import type { Change } from '../trees/content-digest.ts';
import { cleanPath, type EntryType, type TreeEntry } from '../trees/entry.ts';

const TO_TAR: Record<EntryType, TarEntryType> = {
  file: 'file',
  folder: 'directory',
  symlink: 'symlink',
  hardlink: 'hardlink',
  char: 'char-device',
  block: 'block-device',
  fifo: 'fifo',
};
const FROM_TAR = Object.fromEntries(Object.entries(TO_TAR).map(([ours, tar]) => [tar, ours])) as Record<
  TarEntryType,
  EntryType
>;

const SECOND = 1_000_000_000n;

/** A change of a tree as the header that says it in a layer's tar. */
export function toHeader(change: Change): TarHeader {
  if (change.kind !== 'entry')
    return {
      name: change.kind === 'opaque' ? opaqueName(change.path) : whiteoutName(change.path),
      type: 'file',
      mode: 0,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0,
    };
  const { entry } = change;
  // BigInt division rounds towards zero; times before 1970 need the second below
  const nanos = ((entry.mtimeNs % SECOND) + SECOND) % SECOND;
  const header: TarHeader = {
    name: entry.path,
    type: TO_TAR[entry.type],
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.type === 'file' ? entry.size : 0,
    mtime: Number((entry.mtimeNs - nanos) / SECOND),
    mtimeNanos: Number(nanos),
  };
  if (entry.link !== undefined) header.linkname = entry.link;
  if (entry.device !== undefined) {
    header.devmajor = entry.device.major;
    header.devminor = entry.device.minor;
  }
  // of hard links too: whoever unpacks them sets the owner again, which takes capabilities away
  if (entry.xattrs !== undefined) header.xattrs = new Map(Object.entries(entry.xattrs));
  return header;
}

/** Overlayfs' own marks: from a tar, they would hide or redirect what other layers have. */
const OVERLAY = /^(?:trusted|user)\.overlay\./;

/** What an entry of a layer's tar changes; undefined for AUFS's bookkeeping. Names that lead upwards stay below the root. */
export function fromHeader(header: TarHeader): Change | undefined {
  const path = cleanPath(header.name);
  const whiteout = readWhiteout(path);
  if (whiteout?.kind === 'meta') return undefined;
  if (whiteout?.kind === 'opaque') return { kind: 'opaque', path: whiteout.folder };
  if (whiteout?.kind === 'removes') return { kind: 'whiteout', path: whiteout.path };
  const entry: TreeEntry = {
    path,
    type: FROM_TAR[header.type],
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    size: header.size,
    mtimeNs: BigInt(header.mtime) * SECOND + BigInt(header.mtimeNanos ?? 0),
  };
  if (header.linkname !== undefined)
    entry.link = header.type === 'hardlink' ? cleanPath(header.linkname) : header.linkname;
  if (header.devmajor !== undefined && header.devminor !== undefined)
    entry.device = { major: header.devmajor, minor: header.devminor };
  if (header.xattrs !== undefined)
    entry.xattrs = Object.fromEntries(
      [...header.xattrs].filter(([name]) => !OVERLAY.test(name)).map(([name, value]) => [name, Buffer.from(value)]),
    );
  return { kind: 'entry', entry };
}
