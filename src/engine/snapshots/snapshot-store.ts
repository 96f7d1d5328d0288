import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../images/digest.ts';
import { digestHex, digestOf } from '../../images/digest.ts';
import { unmount } from '../../kernel/mount.ts';
import { readMountTable } from '../../kernel/mount-table.ts';
import { spreadFolders } from '../../kernel/spread-folders.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, messageOf } from '../../lib/problem.ts';
import { markIsAlive, processMark } from '../../lib/process-mark.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { SingleFlight } from '../../lib/single-flight.ts';

/**
 * File trees on disk: one folder per layer of a chain, in the form that overlayfs mounts (whiteouts are 0:0 devices,
 * emptied folders carry trusted.overlay.opaque).
 *
 * The life of a tree: *prepared* in a folder of its own below `a/`, which nobody else knows -> *active* while a layer is
 * unpacked or a RUN writes into it -> *committed* by a rename to `t-<boot>/<chain id>`, and never written again. What
 * fails before the rename leaves a folder that carries its process's mark and is swept with it.
 *
 * Trees are a cache of the layers in the content store: nothing here is fsynced, and trees of an earlier boot are dropped,
 * because a power cut may have left files empty in them.
 *
 * Whoever uses trees holds a lease: a file in `l/` named after the process. `collect` takes only what no live process
 * leases and nobody used for a while.
 */
export class SnapshotStore {
  readonly #root: string;
  readonly #trees: string;
  readonly #mark: string;
  readonly #making = new SingleFlight<string, string>();

  private constructor(root: string, trees: string, mark: string) {
    this.#root = root;
    this.#trees = trees;
    this.#mark = mark;
  }

  static async open(root: string): Promise<SnapshotStore> {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().slice(0, 8);
    const mark = await processMark();
    if (mark === undefined) throw new Error('/proc does not show this process');
    const store = new SnapshotStore(root, join(root, `t-${boot}`), mark);
    for (const folder of ['a', 'l', 'u', `t-${boot}`, `t-${boot}/${EMPTY}`])
      await mkdir(join(root, folder), { recursive: true, mode: 0o700 });
    spreadFolders(join(root, 'a'));
    return store;
  }

  /** Folder of listings, context indexes and cache mounts, which outlive trees. */
  folder(name: 'listings' | 'contexts' | 'caches' | 'fetched'): string {
    return join(this.#root, name);
  }

  /** The tree without anything: of no layers, and overlayfs's second lower folder where one alone is refused. */
  empty(): string {
    return join(this.#trees, EMPTY);
  }

  path(chainID: Digest): string {
    return join(this.#trees, shortName(chainID));
  }

  async has(chainID: Digest): Promise<boolean> {
    try {
      await stat(this.path(chainID));
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Gives the tree, filled by `fill` if it isn't there; asked for twice at the same time, it is filled once. */
  async make(chainID: Digest, fill: (folder: string) => Promise<void>): Promise<string> {
    if (await this.has(chainID)) return this.path(chainID);
    return await this.#making.do(chainID, async () => {
      if (await this.has(chainID)) return this.path(chainID);
      const active = await this.prepare();
      try {
        const tree = join(active.folder, 'tree');
        await mkdir(tree, { mode: 0o755 });
        await fill(tree);
        return await this.commit(chainID, tree);
      } finally {
        await active.discard();
      }
    });
  }

  /** An empty folder of this process. */
  async prepare(): Promise<ActiveFolder> {
    const folder = join(this.#root, 'a', `${this.#mark}-${randomBytes(4).toString('hex')}`);
    await mkdir(folder, { mode: 0o700 });
    return { folder, discard: () => discardTree(folder) };
  }

  /** Moves a finished folder into its place; when another process was first, theirs stays. */
  async commit(chainID: Digest, folder: string): Promise<string> {
    const path = this.path(chainID);
    try {
      await rename(folder, path);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
    await this.#touch(chainID);
    return path;
  }

  /** Keeps trees, also such as don't exist yet, until it is released or the process ends. */
  async lease(chainIDs: readonly Digest[]): Promise<() => Promise<void>> {
    const file = join(this.#root, 'l', `${this.#mark}-${randomBytes(4).toString('hex')}`);
    await writeFile(file, chainIDs.map((id) => `${shortName(id)}\n`).join(''));
    for (const id of chainIDs) await this.#touch(id);
    return () => rm(file, { force: true });
  }

  async #touch(chainID: Digest): Promise<void> {
    const file = join(this.#root, 'u', shortName(chainID));
    const now = new Date();
    try {
      await utimes(file, now, now);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      await writeFile(file, '');
    }
  }

  /**
   * Removes what dead processes left: folders in work, with what is mounted in them, and leases.
   * @returns how many folders went
   */
  async sweepDead(): Promise<number> {
    let removed = 0;
    for (const name of await readdir(join(this.#root, 'a'))) {
      if (await markIsAlive(name)) continue;
      await unmountBelow(join(this.#root, 'a', name));
      await discardTree(join(this.#root, 'a', name));
      removed++;
    }
    for (const name of await readdir(join(this.#root, 'l')))
      if (!(await markIsAlive(name))) await rm(join(this.#root, 'l', name), { force: true });
    return removed;
  }

  /**
   * Removes what dead processes left, trees of earlier boots, and trees that nobody leases and nobody used for `idleMs`.
   * @returns how many folders went
   */
  async collect(idleMs: number, now: number): Promise<number> {
    let removed = await this.sweepDead();
    const drop = async (path: string) => {
      const grave = join(this.#root, 'a', `${this.#mark}-${randomBytes(4).toString('hex')}`);
      await rename(path, grave);
      await discardTree(grave);
      removed++;
    };
    for (const name of await readdir(this.#root))
      if (name.startsWith('t-') && join(this.#root, name) !== this.#trees) await drop(join(this.#root, name));
    const leased = await this.#leased();
    for (const name of await readdir(this.#trees)) {
      if (name === EMPTY || leased.has(name) || (await this.#idle(name, now)) < idleMs) continue;
      await rm(join(this.#root, 'u', name), { force: true });
      await drop(join(this.#trees, name));
    }
    return removed;
  }

  async #leased(): Promise<Set<string>> {
    const out = new Set<string>();
    for (const name of await readdir(join(this.#root, 'l'))) {
      const file = join(this.#root, 'l', name);
      for (const id of (await readFile(file, 'utf8').catch(() => '')).split('\n')) if (id !== '') out.add(id);
    }
    return out;
  }

  async #idle(name: string, now: number): Promise<number> {
    try {
      return now - (await stat(join(this.#root, 'u', name))).mtimeMs;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return Number.POSITIVE_INFINITY;
      throw error;
    }
  }
}

const EMPTY = 'empty';

export interface ActiveFolder {
  folder: string;
  /** Removes whatever is still in it. */
  discard(): Promise<void>;
}

/**
 * 128 bits of the chain's digest: overlayfs takes all lower folders in one page of mount options, so names are short, and
 * 2^64 chains would have to be tried before two of them meet.
 */
function shortName(chainID: Digest): string {
  return digestHex(chainID).slice(0, 32);
}

/** OCI config.md, Layer ChainID: names the tree that a stack of layers makes. */
export function chainIDs(diffIDs: readonly Digest[]): Digest[] {
  const out: Digest[] = [];
  for (const diffID of diffIDs) {
    const below = out.at(-1);
    out.push(below === undefined ? diffID : digestOf(`${below} ${diffID}`));
  }
  return out;
}

/** Takes down what a process that was killed had mounted, the innermost first. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readMountTable()).filter((entry) => entry.target.startsWith(`${folder}/`));
  for (const { target } of mounts.reverse()) await unmount(target, { lazy: true });
}

async function discardTree(folder: string): Promise<void> {
  try {
    await removeTree(folder);
  } catch (error) {
    log.warn({ folder, error: messageOf(error) }, 'a scratch folder could not be removed; the next sweep tries again');
  }
}
