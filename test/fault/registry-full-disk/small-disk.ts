import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataFolder, type DataFolder, dataFolder } from '../../../src/lib/data-folder.ts';
import { run, runOk } from '../../../src/lib/run.ts';

/** A small file system of memory needs the right to mount. */
export async function canMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-mount-'));
  const mounted = (await run('mount', ['-t', 'tmpfs', 'tmpfs', folder])).code === 0;
  if (mounted) await runOk('umount', [folder]);
  await rm(folder, { recursive: true });
  return mounted;
}

/** A data folder on a disk of its own, which can be filled to its last byte. */
export class SmallDisk {
  readonly folder: DataFolder;

  private constructor(folder: DataFolder) {
    this.folder = folder;
  }

  static async mount(bytes: number): Promise<SmallDisk> {
    const root = await mkdtemp(join(tmpdir(), 'slipway-full-'));
    await runOk('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', root]);
    const disk = new SmallDisk(dataFolder(root));
    await createDataFolder(disk.folder);
    return disk;
  }

  async fill(): Promise<void> {
    const handle = await open(this.#ballast, 'w');
    try {
      for (const size of [1 << 20, 4096])
        for (let whole = true; whole; )
          whole = await handle.write(Buffer.alloc(size)).then(
            ({ bytesWritten }) => bytesWritten === size,
            () => false,
          );
    } finally {
      await handle.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return join(this.folder.root, 'ballast');
  }

  async unmount(): Promise<void> {
    // lazily: SQLite closes its file when the garbage collector has found the last prepared statement
    await runOk('umount', ['--lazy', this.folder.root]);
    await rm(this.folder.root, { recursive: true });
  }
}
