import { type BigIntStats, closeSync, constants, createReadStream, fstatSync, lstatSync, statfsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { TarHeader } from '../../images/tar/header.ts';
import { pathBytes, pathText } from '../../images/tar/path-text.ts';
import { type TarInput, writeTar } from '../../images/tar/write.ts';
import { deviceParts } from '../../kernel/node-file.ts';
import { O_PATH, readLinkOf } from '../../kernel/openat2.ts';
import { openBelow, placeBelow, selfFd } from '../../kernel/rooted.ts';
import { getXattr } from '../../kernel/xattr.ts';
import { throwIfCancelled } from '../../lib/cancelled.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { namedPath } from './path-stat.ts';

/**
 * A path of a container and all below it as a tar, read while the container may change it: what has gone meanwhile is left
 * out, and a file has the length that it had when its turn came. Sockets are no part of a tar; /dev and what the kernel makes
 * up (/proc, /sys) are empty folders, as they are in a container that doesn't run.
 */
export async function* readArchive(
  root: number,
  text: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of writeTar(entriesOf(root, text, signal))) {
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  }
}

/** A place in the walk: where it is, and what it is called in the archive. */
interface Place {
  path: string;
  name: string;
}

async function* entriesOf(root: number, text: string, signal: AbortSignal): AsyncGenerator<TarInput> {
  const { path, name, isFolder } = namedPath(text);
  const fd = openBelow(root, path, O_PATH | (isFolder ? 0 : constants.O_NOFOLLOW));
  const walk = new Walk(signal, path);
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isDirectory()) {
      const entry = await placeBelow(root, path, (at) => walk.entry(root, { path, name }, stat, at));
      if (entry !== undefined) yield entry;
      return;
    }
    // below the folder that was found, whatever becomes of its path
    yield* walk.folder(fd, { path: '', name }, stat);
  } finally {
    closeSync(fd);
  }
}

class Walk {
  readonly #signal: AbortSignal;
  /** Where the walk begins. */
  readonly #from: string;
  readonly #linked = new Map<string, string>();

  constructor(signal: AbortSignal, from: string) {
    this.#signal = signal;
    this.#from = from;
  }

  async *folder(top: number, place: Place, stat: BigIntStats): AsyncGenerator<TarInput> {
    let fd: number;
    try {
      fd = openBelow(top, pathBytes(place.path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return;
      throw error;
    }
    const folders: [Place, BigIntStats][] = [];
    try {
      yield { header: headerOf(place.name, stat) };
      const names = (await readdir(selfFd(fd), { encoding: 'buffer' })).map(pathText).sort();
      for (const name of names) {
        throwIfCancelled(this.#signal);
        const child = { path: join(place.path, name), name: join(place.name, name) };
        const at = `${selfFd(fd)}/${name}`;
        const found = lstatSync(pathBytes(at), { bigint: true, throwIfNoEntry: false });
        if (found === undefined) continue;
        if (found.isDirectory()) {
          folders.push([child, found]);
          continue;
        }
        const entry = this.entry(top, child, found, at);
        if (entry !== undefined) yield entry;
      }
    } finally {
      closeSync(fd);
    }
    for (const [child, found] of folders) {
      if (found.dev !== stat.dev && this.#isMadeUp(top, child)) yield { header: headerOf(child.name, found) };
      else yield* this.folder(top, child, found);
    }
  }

  /** Of a folder that something is mounted on. */
  #isMadeUp(top: number, { path }: Place): boolean {
    if (join(this.#from, path) === '/dev') return true;
    const fd = openBelow(top, pathBytes(path), O_PATH | constants.O_NOFOLLOW);
    try {
      return MADE_UP.has(statfsSync(selfFd(fd)).type);
    } finally {
      closeSync(fd);
    }
  }

  /** @param at a name of it by a descriptor of its folder */
  entry(top: number, { path, name }: Place, stat: BigIntStats, at: string): TarInput | undefined {
    if (stat.isSocket()) return undefined;
    try {
      return stat.isFile() ? this.#file(top, path, name, stat, at) : special(top, path, name, stat);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  #file(top: number, path: string, name: string, stat: BigIntStats, at: string): TarInput {
    const header = headerOf(name, stat);
    if (stat.nlink > 1n) {
      const inode = `${stat.dev}:${stat.ino}`;
      const first = this.#linked.get(inode);
      if (first !== undefined) return { header: { ...header, type: 'hardlink', size: 0, linkname: first } };
      this.#linked.set(inode, name);
    }
    const capability = getXattr(pathBytes(at), CAPABILITY);
    if (capability !== undefined) header.xattrs = new Map([[CAPABILITY, Buffer.from(capability)]]);
    return { header, body: bytesOf(top, path, header.size, this.#signal) };
  }
}

/** Magic numbers of proc, sysfs, cgroup, cgroup2, mqueue and devpts (statfs(2)). */
const MADE_UP = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x19800202, 0x1cd1]);

/** The one attribute that docker's archives have. */
const CAPABILITY = 'security.capability';

function special(top: number, path: string, name: string, stat: BigIntStats): TarInput {
  const header = headerOf(name, stat);
  if (stat.isSymbolicLink()) {
    const fd = openBelow(top, pathBytes(path), O_PATH | constants.O_NOFOLLOW);
    try {
      header.linkname = pathText(readLinkOf(fd));
    } finally {
      closeSync(fd);
    }
  } else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    const { major, minor } = deviceParts(stat.rdev);
    Object.assign(header, { devmajor: major, devminor: minor });
  }
  return { header };
}

/** So many bytes, with zeros at the end for a file that became shorter or went; opened when its turn has come. */
async function* bytesOf(top: number, path: string, size: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  let left = size;
  for await (const chunk of size === 0 ? [] : openFile(top, path, size)) {
    throwIfCancelled(signal);
    left -= chunk.length;
    yield chunk;
  }
  for (; left > 0; left -= Math.min(left, ZEROS.length)) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}

function openFile(top: number, path: string, size: number): AsyncIterable<Buffer> | Buffer[] {
  try {
    const fd = openBelow(top, pathBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    return createReadStream('', { fd, start: 0, end: size - 1 });
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL')) return [];
    throw error;
  }
}

const ZEROS = Buffer.alloc(64 << 10);

function headerOf(name: string, stat: BigIntStats): TarHeader {
  const mtimeNanos = Number(((stat.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
  return {
    name,
    type: typeOf(stat),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: stat.isFile() ? Number(stat.size) : 0,
    mtime: Number((stat.mtimeNs - BigInt(mtimeNanos)) / 1_000_000_000n),
    mtimeNanos,
  };
}

function typeOf(stat: BigIntStats): TarHeader['type'] {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'char-device';
  if (stat.isBlockDevice()) return 'block-device';
  return stat.isFIFO() ? 'fifo' : 'file';
}

function join(folder: string, name: string): string {
  return folder === '' || folder === '/' ? `${folder}${name}` : `${folder}/${name}`;
}
