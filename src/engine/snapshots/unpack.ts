import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { OPAQUE_XATTR } from '../../containers/sandbox/overlay-marks.ts';
import type { FilePlace } from '../../images/tar/file-source.ts';
import { pathBytes, pathText } from '../../images/tar/path-text.ts';
import { readTar, readTarFile, type TarEntry } from '../../images/tar/read.ts';
import { copyRange } from '../../kernel/copy-range.ts';
import { setTimes } from '../../kernel/file-times.ts';
import { makeNode, makeWhiteout } from '../../kernel/node-file.ts';
import { O_PATH } from '../../kernel/openat2.ts';
import { openBelow, selfFd } from '../../kernel/rooted.ts';
import { setXattr } from '../../kernel/xattr.ts';
import { RESERVE_BYTES, SpaceGuard } from '../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { wantsText } from '../layers/layer-trees.ts';
import { PassingBytes } from '../layers/passing-bytes.ts';
import { fromHeader } from '../layers/tar-entries.ts';
import { ancestorsOf, baseOf, cleanPath, parentOf, type TreeEntry } from '../trees/entry.ts';
import { Listing } from '../trees/listing.ts';
import type { MergedTree } from '../trees/merged-tree.ts';
import { entryProblem } from './entry-problem.ts';

const writeAsync = promisify(write);

/** Up to this size a chunk is written in place; see layers/file-bytes.ts. */
const SMALL = 128 * 1024;

/** From this size on a file is worth a call of the kernel's copy on another thread. */
const LARGE = 1 << 20;

export interface UnpackOptions {
  /** False: the listing that is made has no digests of files, because whoever asks knows them already. */
  digests?: boolean;
}

/**
 * Unpacks a layer's tar into an empty folder as overlayfs wants it. Folders are opened below the root by the kernel, so an
 * entry whose path leads through a link of the same layer lands inside, whatever the link says.
 *
 * A folder that the tar doesn't describe (an entry's missing parent) gets the metadata that the layers below give it;
 * overlayfs would show it with those of this layer.
 * @throws Problem `invalid` for a tar that can't be obeyed
 */
export async function unpackLayer(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  below: MergedTree,
  signal: AbortSignal,
  options: UnpackOptions = {},
): Promise<Listing> {
  return await unpackEntries(readTar(tar), folder, below, signal, options);
}

/** As `unpackLayer`, of a plain tar that is a file: the kernel copies what is large and need not be measured. */
export async function unpackLayerFile(
  path: string,
  folder: string,
  below: MergedTree,
  signal: AbortSignal,
  options: UnpackOptions = {},
): Promise<Listing> {
  return await unpackEntries(readTarFile(path), folder, below, signal, options);
}

async function unpackEntries(
  entries: AsyncIterable<TarEntry>,
  folder: string,
  below: MergedTree,
  signal: AbortSignal,
  { digests = true }: UnpackOptions,
): Promise<Listing> {
  const unpacker = new Unpacker(folder, digests, signal);
  try {
    for await (const entry of entries) {
      signal.throwIfAborted();
      try {
        await unpacker.add(entry);
      } catch (error) {
        throw entryProblem(error, entry.header.name, folder);
      }
    }
    await unpacker.finish(below);
    return unpacker.listing;
  } finally {
    unpacker.close();
  }
}

class Unpacker {
  readonly listing = new Listing();
  readonly #digests: boolean;
  readonly #signal: AbortSignal;
  readonly #root: number;
  readonly #rootPath: string;
  readonly #folders = new Map<string, TreeEntry>();
  /** A layer can hold a thousand times its size. */
  readonly #space: SpaceGuard;
  /** The folder that the last entry went to: most entries follow others of the same one. */
  #open: { path: string; fd: number } | undefined;

  constructor(folder: string, digests: boolean, signal: AbortSignal) {
    this.#digests = digests;
    this.#signal = signal;
    this.#rootPath = realpathSync(folder);
    this.#root = openSync(folder, O_PATH | constants.O_DIRECTORY);
    this.#space = new SpaceGuard(folder, RESERVE_BYTES);
  }

  close(): void {
    this.#forget();
    closeSync(this.#root);
  }

  async add({ header, body, place }: TarEntry): Promise<void> {
    const change = fromHeader(header);
    if (change === undefined) return;
    // a file is listed with its digest, once its bytes have passed
    if (change.kind !== 'entry' || change.entry.type !== 'file') this.listing.add(change);
    if (change.kind === 'opaque') {
      this.#makeFolder(change.path);
      if (change.path === '') setXattr(this.#rootPath, OPAQUE_XATTR, Buffer.from('y'));
      else this.#at(change.path, (at) => setXattr(at, OPAQUE_XATTR, Buffer.from('y')));
    } else if (change.kind === 'whiteout') {
      // a path that this layer has too was replaced, not removed: then it stands here already, or will
      if (!this.#exists(change.path)) this.#at(change.path, (at) => makeWhiteout(at));
    } else await this.#entry(change.entry, body, place);
  }

  async #entry(entry: TreeEntry, body: AsyncIterable<Uint8Array>, place?: FilePlace): Promise<void> {
    const { path } = entry;
    if (path === '') {
      if (entry.type === 'folder') this.#folders.set('', entry);
      return;
    }
    if (entry.type === 'folder') {
      if (this.#typeAt(path) === 'other') await this.#clear(path);
      this.#makeFolder(path);
      this.#folders.set(path, entry);
      return;
    }
    await this.#clear(path);
    if (entry.type === 'file') await this.#file(entry, body, place);
    else {
      this.#at(path, (at) => this.#special(entry, at));
      this.#at(path, (at) => finishEntry(entry, at));
    }
  }

  #special(entry: TreeEntry, at: Buffer): void {
    const { type, link = '', device = { major: 0, minor: 0 }, mode } = entry;
    if (type === 'symlink') symlinkSync(pathBytes(link), at);
    else if (type === 'hardlink') this.#at(link, (target) => linkSync(target, at), entry);
    else if (type === 'fifo') makeNode(at, 'fifo', mode);
    else makeNode(at, type === 'char' ? 'character' : 'block', mode, device.major, device.minor);
  }

  async #file(entry: TreeEntry, body: AsyncIterable<Uint8Array>, place?: FilePlace): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = this.#at(entry.path, (at) => openSync(at, flags, 0o600));
    try {
      const copied = !this.#digests && place !== undefined && (await this.#copied(entry, place, fd));
      const passing = this.#digests ? new PassingBytes(body, wantsText(entry.path, entry.size)) : undefined;
      if (!copied)
        for await (const chunk of passing ?? body) {
          await this.#space.take(chunk.length);
          await writeWhole(fd, chunk);
        }
      this.listing.add({ kind: 'entry', entry, digest: passing?.finish() });
      if (passing?.text !== undefined) this.listing.texts.set(entry.path, passing.text);
      fchownSync(fd, entry.uid, entry.gid);
      fchmodSync(fd, entry.mode);
    } finally {
      closeSync(fd);
    }
    this.#at(entry.path, (at) => {
      setXattrs(entry, at);
      setTimes(at, entry.mtimeNs, entry.mtimeNs);
    });
  }

  async #copied({ size }: TreeEntry, place: FilePlace, fd: number): Promise<boolean> {
    if (size < LARGE) return false;
    return await copyRange(place, fd, size, async (bytes) => {
      this.#signal.throwIfAborted();
      await this.#space.take(bytes);
    });
  }

  /** A later entry of the same path wins. */
  async #clear(path: string): Promise<void> {
    if (!this.#exists(path)) return;
    this.#forget();
    for (const folder of [...this.#folders.keys()])
      if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(folder);
    const parent = openBelow(this.#root, pathBytes(parentOf(path)), O_PATH | constants.O_DIRECTORY);
    try {
      await rm(pathBytes(`${selfFd(parent)}/${baseOf(path)}`), { recursive: true, force: true });
    } finally {
      closeSync(parent);
    }
  }

  #makeFolder(path: string): void {
    if (path === '') return;
    this.#at(path, (at) => {
      try {
        mkdirSync(at, 0o755);
      } catch (error) {
        if (!hasErrorCode(error, 'EEXIST')) throw error;
        if (lstatSync(at).isDirectory()) return;
        throw new Problem('invalid', `the layer has both a folder and a file at ${path}`, { cause: error });
      }
    });
  }

  #exists(path: string): boolean {
    return this.#typeAt(path) !== undefined;
  }

  #typeAt(path: string): 'folder' | 'other' | undefined {
    try {
      // an error for every file that isn't there yet would cost more than the look itself
      const found = this.#at(path, (at) => lstatSync(at, { throwIfNoEntry: false }));
      return found === undefined ? undefined : found.isDirectory() ? 'folder' : 'other';
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** Calls with a path whose folder is an open handle, for calls that don't follow the last part. */
  #at<T>(path: string, use: (at: Buffer) => T, linkedFrom?: TreeEntry): T {
    const parent = parentOf(path);
    if (linkedFrom !== undefined) {
      const fd = this.#openFolder(parent);
      try {
        return use(pathBytes(`${selfFd(fd)}/${baseOf(path)}`));
      } catch (error) {
        if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EPERM')) throw error;
        const what = hasErrorCode(error, 'EPERM') ? 'which is a folder' : 'which is not in the layer';
        throw new Problem('invalid', `${linkedFrom.path}: hard link to ${path}, ${what}`, { cause: error });
      } finally {
        closeSync(fd);
      }
    }
    if (this.#open?.path !== parent) {
      this.#forget();
      this.#open = { path: parent, fd: this.#openFolder(parent) };
    }
    return use(pathBytes(`${selfFd(this.#open.fd)}/${baseOf(path)}`));
  }

  #forget(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /**
   * Opens a folder below the root; what is missing on the way is made, also where a link of this layer leads (its target
   * may stand in a layer below).
   */
  #openFolder(path: string, links = 0): number {
    const flags = O_PATH | constants.O_DIRECTORY;
    try {
      return openBelow(this.#root, pathBytes(path), flags);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
    }
    const parent = this.#openFolder(parentOf(path), links);
    try {
      const at = pathBytes(`${selfFd(parent)}/${baseOf(path)}`);
      const link = linkAt(at);
      if (link === undefined) {
        try {
          mkdirSync(at, 0o755);
        } catch (error) {
          // where links and `..` meet, a path by its words and the kernel's way can differ
          if (!hasErrorCode(error, 'EEXIST')) throw error;
        }
        return openSync(at, flags | constants.O_NOFOLLOW);
      }
      if (links === LINK_LIMIT) throw new Problem('invalid', `${path}: too many levels of symbolic links`);
      const real = pathText(readlinkSync(selfFd(parent), 'buffer')).slice(this.#rootPath.length);
      return this.#openFolder(cleanPath(link.startsWith('/') ? link : `${real}/${link}`), links + 1);
    } finally {
      closeSync(parent);
    }
  }

  /** Folders last, the deepest first: what is made in them would change their times. */
  async finish(below: MergedTree): Promise<void> {
    for (const [path, listed] of this.listing.entries) {
      if (listed.implied === undefined) continue;
      const known = await below.lookup(path);
      if (known?.type !== 'folder') continue;
      const entry: TreeEntry = {
        path,
        type: 'folder',
        mode: known.mode,
        uid: known.uid,
        gid: known.gid,
        size: 0,
        mtimeNs: BigInt(known.mtimeNs),
      };
      this.#folders.set(path, entry);
    }
    const deepestFirst = [...this.#folders.values()].sort(
      (a, b) => ancestorsOf(b.path).length - ancestorsOf(a.path).length,
    );
    for (const entry of deepestFirst) {
      if (entry.path === '') finishEntry(entry, Buffer.from(this.#rootPath));
      else this.#at(entry.path, (at) => finishEntry(entry, at));
    }
  }
}

const LINK_LIMIT = 40;

function linkAt(path: Buffer): string | undefined {
  try {
    return pathText(readlinkSync(path, 'buffer'));
  } catch (error) {
    if (hasErrorCode(error, 'EINVAL', 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Owner before mode, because chown clears setuid; attributes after both, because chown clears capabilities too. A hard
 * link's header is the last word on the file that it names again, as with docker and containerd; but GNU tar gives it no
 * attributes, so that an owner who is right already is left alone.
 */
function finishEntry(entry: TreeEntry, at: Buffer): void {
  const known = entry.type === 'hardlink' ? lstatSync(at) : undefined;
  if (known?.uid !== entry.uid || known.gid !== entry.gid) lchownSync(at, entry.uid, entry.gid);
  if (entry.type !== 'symlink') setMode(at, entry.mode);
  setXattrs(entry, at);
  setTimes(at, entry.mtimeNs, entry.mtimeNs);
}

/**
 * chmod follows links, and there is no call that doesn't: by another way (`b` as `link/b`) a layer can put a link where it
 * had a folder, and its mode would reach a file of this machine.
 */
function setMode(at: Buffer, mode: number): void {
  const place = openSync(at, O_PATH | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(place).isSymbolicLink()) chmodSync(selfFd(place), mode);
  } finally {
    closeSync(place);
  }
}

function setXattrs(entry: TreeEntry, at: Buffer): void {
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) {
    try {
      setXattr(at, name, value);
    } catch (error) {
      // user.* on links and devices, and namespaces that the file system lacks: docker leaves them out as well
      if (!hasErrorCode(error, 'ENOTSUP', 'EPERM')) throw error;
    }
  }
}

async function writeWhole(fd: number, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    if (chunk.length <= SMALL) at += writeSync(fd, chunk, at);
    else at += (await writeAsync(fd, chunk, at, chunk.length - at)).bytesWritten;
  }
}
