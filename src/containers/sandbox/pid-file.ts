import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasErrorCode } from '../../lib/problem.ts';

/** How often we look where nobody tells us; a program's start takes ten times as long. */
const LOOK_MS = 5;

/** The number that runc writes (under another name, then renamed) when a program runs. */
export class PidFile {
  readonly path: string;
  readonly written: Promise<number>;
  #stop: () => void = () => undefined;

  /** @param path in a folder that exists; the file does not */
  constructor(path: string) {
    this.path = path;
    this.written = new Promise((resolve, reject) => {
      const look = () => {
        this.read().then((pid) => {
          if (pid !== undefined) resolve(pid);
        }, reject);
      };
      this.#stop = lookWhenChanged(path, look);
    });
    this.written.then(
      () => this.close(),
      () => this.close(), // whoever waits for it hears of it
    );
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
    this.#stop();
  }
}

/** By inotify(7), or by the clock where the machine's watchers are all taken (a hundred others for each user, by default). */
function lookWhenChanged(path: string, look: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const byTheClock = () => {
    timer ??= setInterval(look, LOOK_MS);
  };
  try {
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === basename(path)) look();
    });
    watcher.on('error', byTheClock);
    return () => {
      watcher.close();
      clearInterval(timer);
    };
  } catch (error) {
    if (!hasErrorCode(error, 'EMFILE', 'ENOSPC', 'ENFILE')) throw error;
    byTheClock();
    return () => clearInterval(timer);
  }
}
