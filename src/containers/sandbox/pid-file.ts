import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasErrorCode } from '../../lib/problem.ts';

/** The number that runc writes (under another name, then renamed) when a program runs. */
export class PidFile {
  readonly path: string;
  readonly written: Promise<number>;
  #watcher: FSWatcher | undefined;

  /** @param path in a folder that exists; the file does not */
  constructor(path: string) {
    this.path = path;
    this.written = new Promise((resolve, reject) => {
      this.#watcher = watch(dirname(path), (_event, name) => {
        if (name !== basename(path)) return;
        this.close();
        this.read().then((pid) => resolve(pid ?? 0), reject);
      });
      this.#watcher.on('error', reject);
    });
    this.written.catch(() => undefined); // whoever waits for it hears of it
  }

  /** For when the program has ended before its file was noticed; undefined when it never ran. */
  async read(): Promise<number | undefined> {
    try {
      return Number(await readFile(this.path, 'utf8'));
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#watcher?.close();
  }
}
