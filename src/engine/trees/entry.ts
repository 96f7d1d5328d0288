/** What lies at a path of a layer or of a folder that becomes one. */
export type EntryType = 'file' | 'folder' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** One path of a file tree, without its bytes: enough to write a tar header and to compare two trees. */
export interface TreeEntry {
  /** Below the root, no leading or trailing slash; the root itself is ''. */
  path: string;
  type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of a file; 0 for everything else. */
  size: number;
  /** Nanoseconds since 1970. */
  mtimeNs: bigint;
  /** Target of a symlink as written; of a hard link the path below the root. */
  link?: string | undefined;
  device?: { major: number; minor: number } | undefined;
  /** Name -> value; security.capability, user.* and the like, never the overlay's own. */
  xattrs?: Record<string, Buffer> | undefined;
}

/** Compares paths so that a folder stands directly before its content, whatever bytes the names have. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [l, r] = [a.charCodeAt(i), b.charCodeAt(i)];
    // a slash ends a name, and a name that has ended stands before a longer one
    if (l !== r) return l === SLASH ? -1 : r === SLASH ? 1 : l - r;
  }
  return a.length - b.length;
}

const SLASH = 0x2f;

/** As Linux has it: so many links are followed in one path before it is given up (ELOOP). */
export const LINK_LIMIT = 40;

/** The names that a path goes through, `..` among them. */
export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/**
 * A path of an archive or a Dockerfile as one below the root: `.`, `..` and doubled slashes are resolved, and what would
 * lead above the root stays at it.
 */
export function cleanPath(path: string): string {
  const out: string[] = [];
  for (const part of partsOf(path))
    if (part === '..') out.pop();
    else out.push(part);
  return out.join('/');
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Every folder above a path, the topmost first, without the root: `a/b/c` -> `a`, `a/b`. */
export function ancestorsOf(path: string): string[] {
  const out: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) out.push(path.slice(0, slash));
  return out;
}

export function joinPath(folder: string, name: string): string {
  if (folder === '') return name;
  return name === '' ? folder : `${folder}/${name}`;
}
