import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileOwner } from '../../dockerfile/run-mount.ts';
import { tryLock } from '../../kernel/flock.ts';
import { cancelled, throwIfCancelled } from '../../lib/cancelled.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { processMark } from '../../lib/process-mark.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import type { Flights } from '../cache/cache.ts';
import { inTurn } from '../cache/in-turn.ts';

/**
 * Folders of cache mounts, below DATA/snapshots/caches: they stay from build to build, and never leave their project.
 *
 *   <name>[-N]/about.json    whose it is
 *             /lock          held while a container uses it: shared, or by one alone; its time is that of the last use
 *             /data/         what the container sees
 *   new/<mark>-<random>      being made, or about to be removed, by the process of that mark
 *
 * The lock is the lease: it ends with the process that holds it, and a prune takes only what it can lock. Who has to wait
 * for a `locked` one stands in line with everybody else of the data folder (Flights). `private` takes the first folder of
 * its name that nobody uses, and makes one more when there is none.
 */
export interface CacheWish {
  project: string;
  id: string;
  sharing: 'shared' | 'private' | 'locked';
  /** Of the root of a new one. */
  owner: FileOwner | undefined;
  /** Identity of what a new one begins with: another beginning is another cache. */
  seed: string;
}

export interface OpenCache {
  /** Of the mount's files. */
  data: string;
  release(): Promise<void>;
}

/** What about.json says. */
export interface CacheAbout {
  project: string;
  id: string;
  createdAt: number;
}

const DEFAULT_OWNER: FileOwner = { mode: 0o755, uid: 0, gid: 0 };

/** How often a `locked` use looks whether those have ended that share the folder. */
const LOOK_MS = 50;

export class CacheFolders {
  readonly #root: string;
  readonly #flights: Flights;

  constructor(root: string, flights: Flights) {
    this.#root = root;
    this.#flights = flights;
  }

  /**
   * @param fill puts the beginning into a new one
   * @param onWait told once when somebody else has it
   * @throws Problem `cancelled`
   */
  async open(
    wish: CacheWish,
    fill: (data: string) => Promise<void>,
    onWait: () => void,
    signal: AbortSignal,
  ): Promise<OpenCache> {
    const name = cacheName(wish);
    if (wish.sharing === 'private') {
      for (let slot = 0; ; slot++) {
        const folder = join(this.#root, slot === 0 ? name : `${name}-${slot}`);
        const lock = await this.#tryOpen(folder, 'exclusive', wish, fill);
        if (lock !== undefined) return openCache(folder, lock);
      }
    }
    const folder = join(this.#root, name);
    if (wish.sharing === 'shared')
      return openCache(folder, await this.#wait(folder, 'shared', wish, fill, onWait, signal));
    const turn = await inTurn(this.#flights, `${wish.project}:cache-mount:${name}`, signal, onWait);
    try {
      const cache = openCache(folder, await this.#wait(folder, 'exclusive', wish, fill, onWait, signal));
      return { data: cache.data, release: () => cache.release().finally(() => turn.end()) };
    } catch (error) {
      await turn.end();
      throw error;
    }
  }

  async #wait(
    folder: string,
    mode: 'shared' | 'exclusive',
    wish: CacheWish,
    fill: (data: string) => Promise<void>,
    onWait: () => void,
    signal: AbortSignal,
  ): Promise<number> {
    for (let look = 0; ; look++) {
      const lock = await this.#tryOpen(folder, mode, wish, fill);
      if (lock !== undefined) return lock;
      if (look === 0) onWait();
      throwIfCancelled(signal);
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {
        throw cancelled();
      });
    }
  }

  /** Locks the folder, which is made when it isn't there. @returns the lock's descriptor; undefined when it is in use */
  async #tryOpen(
    folder: string,
    mode: 'shared' | 'exclusive',
    wish: CacheWish,
    fill: (data: string) => Promise<void>,
  ): Promise<number | undefined> {
    for (;;) {
      const lock = openLock(folder);
      if (lock === undefined) {
        await this.#make(folder, wish, fill);
        continue;
      }
      if (!tryLock(lock, mode)) {
        closeSync(lock);
        return undefined;
      }
      if (isStillAt(lock, folder)) return lock;
      closeSync(lock); // a prune took it away between the two
    }
  }

  async #make(folder: string, wish: CacheWish, fill: (data: string) => Promise<void>): Promise<void> {
    const made = await newFolder(this.#root);
    try {
      const { project, id } = wish;
      const about: CacheAbout = { project, id, createdAt: Date.now() };
      await writeFile(join(made, 'about.json'), JSON.stringify(about));
      await writeFile(join(made, 'lock'), '');
      const data = join(made, 'data');
      await mkdir(data);
      await fill(data);
      const { uid, gid, mode } = wish.owner ?? DEFAULT_OWNER;
      await chown(data, uid, gid);
      await chmod(data, mode);
      await rename(made, folder);
    } catch (error) {
      await removeTree(made);
      // another one was first
      if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
  }
}

/** A name of a place for folders that are made or removed; a sweep finds it by the mark of a dead process. */
export async function newFolder(root: string): Promise<string> {
  const path = join(root, 'new', `${await processMark()}-${randomBytes(4).toString('hex')}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Whether the descriptor is the lock of what lies at that path now. */
export function isStillAt(lock: number, folder: string): boolean {
  try {
    return statSync(join(folder, 'lock')).ino === fstatSync(lock).ino;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

export function openLock(folder: string): number | undefined {
  try {
    return openSync(join(folder, 'lock'), 'r');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function openCache(folder: string, lock: number): OpenCache {
  return {
    data: join(folder, 'data'),
    async release() {
      const now = new Date();
      try {
        await utimes(join(folder, 'lock'), now, now);
      } finally {
        closeSync(lock);
      }
    },
  };
}

/** Like BuildKit's, a cache that begins otherwise or belongs to somebody else is another one, whatever its id. */
function cacheName({ project, id, owner, seed }: CacheWish): string {
  return createHash('sha256')
    .update(JSON.stringify([project, id, owner ?? null, seed]))
    .digest('hex')
    .slice(0, 32);
}
