import { chmod, chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountMemory, unmountMemory } from '../../containers/sandbox/memory-folder.ts';
import type { SecretMount } from '../../dockerfile/run-mount.ts';

/** Files of secrets, in memory; gone when it is closed. */
export class SecretFiles {
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param folder is made */
  static async open(folder: string): Promise<SecretFiles> {
    await mountMemory(folder);
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
    await unmountMemory(this.#folder);
  }
}
