import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdir, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { mount, unmount } from '../../kernel/mount.ts';
import { O_PATH } from '../../kernel/openat2.ts';
import { makeFoldersBelow, openBelow, selfFd } from '../../kernel/rooted.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import type { RequestedMount } from '../container-request.ts';
import { makeRunFolder } from '../sandbox/run-folder.ts';

const NEW_FOLDER = { mode: 0o755, uid: 0, gid: 0 };

/** Mounts as they are asked for, those of lent folders with a source that leads there whatever happens to the names. */
export interface LentMounts {
  mounts: RequestedMount[];
  /** Which of them these are. */
  lent: ReadonlySet<RequestedMount>;
  /** They stay for this container, until `release`. */
  keep(container: string): void;
  /** There will be no container. */
  drop(): Promise<void>;
}

/**
 * What a build lends to the containers of its docker socket: folders of its steps, by the paths that steps see (`-v
 * /workspace:/app`). Steps may put links anywhere in them at any moment, so a path is looked up once, below its folder, and
 * what is found is mounted in a place that only we reach; from then on that place stands for it.
 */
export class LentFolders {
  /** Path in a step -> folder or socket of this machine, the longest path first. */
  readonly #folders: readonly [string, string][];
  /** DATA/run: what a crash leaves mounted there, the next start finds. */
  readonly #runFolder: string;
  readonly #held = new Map<string, string[]>();
  /** Places that are mounted. */
  readonly #places = new Set<string>();
  /** What is being given back. */
  readonly #ending = new Set<Promise<unknown>>();
  #made = 0;
  #folder: Promise<string> | undefined;

  constructor(folders: ReadonlyMap<string, string>, runFolder: string) {
    this.#folders = [...folders].sort(([a], [b]) => b.length - a.length);
    this.#runFolder = runFolder;
  }

  /** @throws Problem `invalid` for a source that isn't there and is not to be made */
  async lend(asked: readonly RequestedMount[]): Promise<LentMounts> {
    const taken: string[] = [];
    const lent = new Set<RequestedMount>();
    const drop = () => this.#end(taken);
    try {
      const mounts: RequestedMount[] = [];
      for (const one of asked) {
        const source = one.kind === 'bind' ? await this.#mount(one) : undefined;
        const given = source === undefined ? one : { ...(one as Bind), source, create: false };
        mounts.push(given);
        if (source === undefined) continue;
        taken.push(source);
        lent.add(given);
      }
      return { mounts, lent, drop, keep: (container) => void this.#held.set(container, taken) };
    } catch (error) {
      await drop();
      throw error;
    }
  }

  /** The container has gone. */
  async release(container: string): Promise<void> {
    const places = this.#held.get(container) ?? [];
    this.#held.delete(container);
    await this.#end(places);
  }

  /** No container is left. */
  async close(): Promise<void> {
    await this.#end([...this.#places]);
    await Promise.all(this.#ending);
    const folder = await this.#folder;
    if (folder !== undefined) await rmdir(folder);
  }

  async #end(places: readonly string[]): Promise<void> {
    const ending = Promise.all(
      places
        .filter((place) => this.#places.delete(place))
        .map(async (place) => {
          await unmount(place, { lazy: true });
          await removePlace(place);
        }),
    );
    this.#ending.add(ending);
    await ending.finally(() => this.#ending.delete(ending));
  }

  async #mount(bind: Bind): Promise<string | undefined> {
    const fd = await this.#open(bind);
    if (fd === undefined) return undefined;
    try {
      this.#folder ??= makeRunFolder(this.#runFolder, 'container', `lent-${process.pid}-${counter++}`).then(
        ({ path }) => path,
      );
      const place = join(await this.#folder, String(this.#made++));
      if (fstatSync(fd).isDirectory()) await mkdir(place);
      else await writeFile(place, '');
      try {
        await mount({ source: selfFd(fd), target: place, type: '', flags: ['bind'] });
      } catch (error) {
        await removePlace(place);
        throw error;
      }
      this.#places.add(place);
      return place;
    } finally {
      closeSync(fd);
    }
  }

  async #open({ source: written, create }: Bind): Promise<number | undefined> {
    const source = posix.normalize(written).replace(/(?<=.)\/$/, '');
    // what another container has, by --volumes-from: a place of its own, because that one may go first
    if (this.#places.has(source)) return openSync(source, O_PATH);
    const found = this.#folders.find(([at]) => source === at || source.startsWith(`${at}/`));
    if (found === undefined) return undefined;
    const [at, root] = found;
    const below = source.slice(at.length + 1);
    try {
      return below === '' ? openSync(root, O_PATH) : openBelow(root, below, O_PATH);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT'))
        throw new Problem('invalid', `invalid mount path: '${source}'`, { cause: error });
      if (!create)
        throw new Problem(
          'invalid',
          `invalid mount config for type "bind": bind source path does not exist: ${source}`,
        );
    }
    try {
      await makeFoldersBelow(root, below, NEW_FOLDER);
      return openBelow(root, below, O_PATH);
    } catch (error) {
      throw new Problem('invalid', `error while creating mount source path '${source}': ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** By its name alone, with nothing mounted on it: a removal of trees would go through what still is. */
async function removePlace(place: string): Promise<void> {
  await rmdir(place).catch((error: unknown) => {
    if (!hasErrorCode(error, 'ENOTDIR')) throw error;
    return unlink(place);
  });
}

type Bind = Extract<RequestedMount, { kind: 'bind' }>;

/** Several houses may lend in one process. */
let counter = 0;
