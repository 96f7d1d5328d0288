import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretMount } from '../../dockerfile/run-mount.ts';
import { mount, unmount } from '../../kernel/mount.ts';

/** A folder for secrets that is memory alone: it is never written to a disk, nor to swap, and is gone when it is closed. */
export class SecretFiles {
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param folder is made */
  static async open(folder: string): Promise<SecretFiles> {
    await mkdir(folder, { mode: 0o700 });
    await mount({
      source: 'slipway-secrets',
      target: folder,
      type: 'ramfs',
      flags: ['nosuid', 'nodev', 'noexec'],
      options: 'mode=0700',
    });
    return new SecretFiles(folder);
  }

  /** @returns path of the file */
  async add(value: Uint8Array, { owner }: SecretMount): Promise<string> {
    const file = join(this.#folder, String(this.#count++));
    await writeFile(file, value, { mode: 0o600 });
    await chown(file, owner.uid, owner.gid);
    await chmod(file, owner.mode);
    return file;
  }

  async close(): Promise<void> {
    await unmount(this.#folder, { lazy: true });
  }
}
