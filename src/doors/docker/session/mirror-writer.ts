import {
  type BigIntStats,
  chmodSync,
  closeSync,
  fchmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimes } from '../../../kernel/file-times.ts';
import { makeNode } from '../../../kernel/node-file.ts';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../../lib/problem.ts';
import type { Stat } from '../buildkit/gen/fsutil_pb.ts';
import { kindOf, permissionsOf } from './file-stat.ts';
import { ListedPaths, type OpenFolder } from './listed-paths.ts';

/** Files that come at the same time at most; clients send four. */
const MOST_OPEN = 64;

interface MirroredFolder extends OpenFolder {
  /** Names that lie there from before and that the client has not listed yet. */
  unseen: Set<string>;
  /** Set when all has come, since every file that comes changes it. */
  mtimeNs: bigint;
  changed: boolean;
}

/** No more is kept of what was listed: its attributes could be as long as a client likes. */
interface Wanted {
  path: string;
  permissions: number;
  mtimeNs: bigint;
}

interface Arriving {
  fd: number;
  temporary: string;
}

/**
 * Makes a folder of ours equal to what a client lists, and says of each file whether its bytes are wanted: those whose size,
 * time and mode are as they were last time are not. Nobody else writes to the folder, and every path in it is reached
 * through folders that were listed as such, so that no link is ever followed. Nothing is flushed: a file that a power cut
 * leaves half written belongs to an earlier boot, whose mirrors are not used again.
 */
export class MirrorWriter {
  readonly #root: string;
  readonly #incoming: string;
  readonly #listed: ListedPaths<MirroredFolder>;
  readonly #space: SpaceGuard;
  readonly #wanted = new Map<number, Wanted>();
  /** Each path by itself, so that many links to one file share its text. */
  readonly #files = new Map<string, string>();
  readonly #links: { path: string; target: string; folder: MirroredFolder }[] = [];
  readonly #arriving = new Map<number, Arriving>();
  readonly #finished: MirroredFolder[] = [];
  #next = 0;
  #bytes = 0;

  /** @param incoming a folder on the same disk, for files that have not come as a whole */
  constructor(root: string, incoming: string) {
    this.#root = root;
    this.#incoming = incoming;
    this.#space = new SpaceGuard(root, RESERVE_BYTES);
    const folder = this.#opened('', 0n);
    this.#listed = new ListedPaths(folder, (left) => this.#leave(left));
  }

  /** Bytes of all files that are listed. */
  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): boolean {
    return this.#wanted.size > 0;
  }

  /** @returns the number under which the file's bytes are wanted; undefined when there is nothing to fetch @throws Problem */
  list(stat: Stat): number | undefined {
    const id = this.#next++;
    const { folder, name } = this.#listed.take(stat.path);
    const known = folder.unseen.delete(name) ? lstatSync(this.#at(stat.path), { bigint: true }) : undefined;
    try {
      return this.#place(stat, id, known, folder);
    } catch (error) {
      throw placeProblem(error, stat.path, this.#root);
    }
  }

  /** No more files are listed: what lies here and was not is removed. */
  listed(): void {
    this.#listed.end();
  }

  /** A piece of a file that was wanted; an empty one is its end. @throws Problem `invalid` for any other */
  async receive(id: number, bytes: Uint8Array): Promise<void> {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) throw new Problem('invalid', 'the client sends a file that nobody asked for');
    try {
      const arriving = this.#arriving.get(id) ?? this.#begin(id);
      if (bytes.length > 0) {
        await this.#space.take(bytes.length);
        for (let at = 0; at < bytes.length; ) at += writeSync(arriving.fd, bytes, at);
        return;
      }
      this.#arriving.delete(id);
      this.#wanted.delete(id);
      fchmodSync(arriving.fd, wanted.permissions);
      closeSync(arriving.fd);
      setTimes(arriving.temporary, wanted.mtimeNs, wanted.mtimeNs);
      renameSync(arriving.temporary, this.#at(wanted.path));
    } catch (error) {
      throw placeProblem(error, wanted.path, this.#root);
    }
  }

  /** Everything has come: hard links are made, and folders get their times. @throws Problem */
  finish(): void {
    for (const { path, target, folder } of this.#links) {
      const [from, to] = [this.#at(target), this.#at(path)];
      if (lstatIfThere(to)?.ino === lstatSync(from, { bigint: true }).ino) continue;
      remove(to);
      linkSync(from, to);
      folder.changed = true;
    }
    for (const { path, mtimeNs, changed } of this.#finished)
      if (changed && path !== '') setTimes(this.#at(path), mtimeNs, mtimeNs);
  }

  /** Whatever became of it. */
  close(): void {
    for (const { fd, temporary } of this.#arriving.values()) {
      closeSync(fd);
      remove(temporary);
    }
    this.#arriving.clear();
  }

  #place(stat: Stat, id: number, known: BigIntStats | undefined, folder: MirroredFolder): number | undefined {
    const { path } = stat;
    const at = this.#at(path);
    switch (kindOf(stat)) {
      case 'folder':
        this.#placeFolder(stat, known, folder);
        return undefined;
      case 'symlink':
        if (known?.isSymbolicLink() && known.mtimeNs === stat.modTime && readlinkSync(at) === stat.linkname)
          return undefined;
        folder.changed = true;
        remove(at);
        symlinkSync(stat.linkname, at);
        setTimes(at, stat.modTime, stat.modTime);
        return undefined;
      case 'fifo':
        if (known?.isFIFO() && sameMode(known, stat)) return undefined;
        folder.changed = true;
        remove(at);
        makeNode(at, 'fifo', permissionsOf(stat));
        chmodSync(at, permissionsOf(stat));
        return undefined;
      case 'file':
        return this.#placeFile(stat, id, known, folder);
      case 'socket': // has no place in an image
        remove(at);
        return undefined;
      case 'device':
        throw new Problem('unsupported', `${path} is a device: a context has files, folders and links`, {
          hint: 'Keep it out by .dockerignore.',
        });
    }
  }

  #placeFolder(stat: Stat, known: BigIntStats | undefined, parent: MirroredFolder): void {
    const at = this.#at(stat.path);
    if (!known?.isDirectory()) {
      parent.changed = true;
      remove(at);
      mkdirSync(at);
    }
    if (known === undefined || !sameMode(known, stat)) chmodSync(at, permissionsOf(stat));
    const folder = this.#opened(stat.path, stat.modTime);
    folder.changed = known?.mtimeNs !== stat.modTime;
    this.#listed.enter(folder);
  }

  #placeFile(stat: Stat, id: number, known: BigIntStats | undefined, folder: MirroredFolder): number | undefined {
    const { path, linkname } = stat;
    if (linkname !== '') {
      const target = this.#files.get(linkname);
      if (target === undefined)
        throw new Problem('invalid', `the client lists ${path} as a link to ${linkname}, which it has not listed`);
      this.#links.push({ path, target, folder });
      return undefined;
    }
    this.#files.set(path, path);
    this.#bytes += Number(stat.size);
    const same =
      known?.isFile() === true && known.size === stat.size && known.mtimeNs === stat.modTime && sameMode(known, stat);
    if (same) return undefined;
    folder.changed = true;
    if (known !== undefined && !known.isFile()) remove(this.#at(path));
    this.#wanted.set(id, { path, permissions: permissionsOf(stat), mtimeNs: stat.modTime });
    return id;
  }

  #begin(id: number): Arriving {
    if (this.#arriving.size >= MOST_OPEN)
      throw new Problem('invalid', `the client sends more than ${MOST_OPEN} files at the same time`);
    const temporary = join(this.#incoming, String(id));
    const arriving = { fd: openSync(temporary, 'wx', 0o600), temporary };
    this.#arriving.set(id, arriving);
    return arriving;
  }

  #opened(path: string, mtimeNs: bigint): MirroredFolder {
    return { path, last: '', unseen: new Set(readdirSync(this.#at(path))), mtimeNs, changed: false };
  }

  #leave(folder: MirroredFolder): void {
    for (const name of folder.unseen) {
      remove(join(this.#at(folder.path), name));
      folder.changed = true;
    }
    this.#finished.push(folder);
  }

  #at(path: string): string {
    return path === '' ? this.#root : `${this.#root}/${path}`;
  }
}

function sameMode(known: BigIntStats, stat: Stat): boolean {
  return (Number(known.mode) & 0o7777) === permissionsOf(stat);
}

function lstatIfThere(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function placeProblem(error: unknown, path: string, root: string): unknown {
  if (hasErrorCode(error, 'ENAMETOOLONG'))
    return new Problem('invalid', `the context has a path that is too long: ${path.slice(0, 200)}`, { cause: error });
  return diskProblem(error, root);
}
