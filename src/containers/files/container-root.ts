import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mount, unmount } from '../../kernel/mount.ts';
import { O_PATH } from '../../kernel/openat2.ts';
import { openBelow, selfFd } from '../../kernel/rooted.ts';
import type { StartedContainer } from '../container.ts';
import type { ContainerRecord } from '../container-record.ts';
import { fillInitLayer } from '../sandbox/init-layer.ts';
import { mountPointsOf } from '../sandbox/mount-points.ts';
import { mountOverlay, unmountOverlay, withReadOnlyView } from '../sandbox/overlay.ts';
import { makeRunFolder, removeRunFolder } from '../sandbox/run-folder.ts';

/**
 * The files of a container as its programs see them, with volumes and bound folders in them. While it runs, that is its own
 * root. Else its overlay is mounted for the first who looks and unmounted after the last; all of them share it, so that one
 * `cp` may read what another writes. An upper folder must not be mounted twice: a start or a removal waits until nobody looks.
 */
export class ContainerRoot {
  readonly #runFolder: string;
  readonly #upper: string;
  readonly #record: ContainerRecord;
  readonly #image: () => Promise<HeldLowers>;
  readonly #started: () => StartedContainer | undefined;
  #users = 0;
  #mounted: Promise<Mounted> | undefined;
  /** What was begun last: a start, a removal, the unmounting. */
  #before: Promise<unknown> = Promise.resolve();
  readonly #idle: (() => void)[] = [];

  constructor(
    runFolder: string,
    upper: string,
    record: ContainerRecord,
    image: () => Promise<HeldLowers>,
    started: () => StartedContainer | undefined,
  ) {
    this.#runFolder = runFolder;
    this.#upper = upper;
    this.#record = record;
    this.#image = image;
    this.#started = started;
  }

  /** @param use gets a descriptor of the root, for kernel/rooted */
  async use<T>(use: (root: number) => Promise<T>): Promise<T> {
    for (let before: unknown; before !== this.#before; ) {
      before = this.#before;
      await before;
    }
    const running = this.#started();
    if (running !== undefined) return await withRunningRoot(running, use);
    this.#users++;
    try {
      this.#mounted ??= this.#mount();
      const { root } = await this.#mounted;
      return await use(root);
    } finally {
      if (--this.#users === 0) {
        const unmounting = this.#unmount();
        // whoever waits for nobody to look goes on after the unmounting, and who comes then waits for both
        this.#before = Promise.all([this.#before, unmounting]);
        await unmounting;
      }
    }
  }

  /** Keeps whoever comes from looking until `work` is done, after those have left who are looking. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#before
      .catch(() => undefined)
      .then(async () => {
        if (this.#users > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
        return await work();
      });
    this.#before = mine.catch(() => undefined);
    return await mine;
  }

  async #unmount(): Promise<void> {
    const mounted = this.#mounted;
    this.#mounted = undefined;
    try {
      await (await mounted)?.end();
    } catch {
      // it could not be mounted: whoever looked was told
    }
    for (const go of this.#idle.splice(0)) go();
  }

  async #mount(): Promise<Mounted> {
    const image = await this.#image();
    const undo: (() => Promise<void>)[] = [image.release];
    const end = async () => {
      for (const step of undo.splice(0).reverse()) await step();
    };
    try {
      const folder = await makeRunFolder(this.#runFolder, 'container', `still-${this.#record.id.slice(0, 24)}`);
      undo.push(() => removeRunFolder(folder));
      const [rootfs, init] = [join(folder.path, 'rootfs'), join(folder.path, 'init')];
      await mkdir(rootfs);
      await mkdir(init, { mode: 0o755 });
      await writeFile(join(folder.path, 'upper'), this.#upper); // for the sweep: which work folder a crash leaves
      const bound = this.#record.mounts.filter(({ kind }) => kind !== 'tmpfs');
      const points = await mountPointsOf(
        bound.map(({ source, target, readonly }) => ({ kind: 'bind', source, target, readonly })),
      );
      const lowers = { lowers: image.lowers, upper: this.#upper };
      await withReadOnlyView(rootfs, lowers, async (view) => fillInitLayer(view, init, points));
      const overlay = { lowers: [init, ...image.lowers], upper: this.#upper };
      await mountOverlay(rootfs, overlay);
      undo.push(() => unmountOverlay(rootfs, overlay));
      undo.push(() => unmount(rootfs, { lazy: true })); // with all that is mounted in it
      const root = openSync(rootfs, O_PATH | constants.O_DIRECTORY);
      undo.push(async () => closeSync(root));
      for (const { source, target, readonly } of bound) await bind(root, source, target, readonly);
      if (this.#record.request.readonlyRootfs) await makeReadOnly(rootfs);
      return { root, end };
    } catch (error) {
      await end();
      throw error;
    }
  }
}

/** The descriptor is ours: that of the container may go with it while somebody still reads. */
async function withRunningRoot<T>(running: StartedContainer, use: (root: number) => Promise<T>): Promise<T> {
  const root = openSync(running.rootfs, O_PATH | constants.O_DIRECTORY);
  try {
    return await use(root);
  } finally {
    closeSync(root);
  }
}

interface HeldLowers {
  lowers: string[];
  release(): Promise<void>;
}

interface Mounted {
  root: number;
  end(): Promise<void>;
}

/** The place is resolved in the container: a link of the image must not lead the mount to a folder of this machine. */
async function bind(root: number, source: string, target: string, readonly: boolean): Promise<void> {
  const place = openBelow(root, target, O_PATH);
  try {
    await mount({ source, target: selfFd(place), type: '', flags: ['bind', 'recursive'] });
  } finally {
    closeSync(place);
  }
  if (!readonly) return;
  const mounted = openBelow(root, target, O_PATH); // what lies on top there now
  try {
    await makeReadOnly(selfFd(mounted));
  } finally {
    closeSync(mounted);
  }
}

async function makeReadOnly(target: string): Promise<void> {
  await mount({ source: 'none', target, type: '', flags: ['remount', 'bind', 'readonly'] });
}
