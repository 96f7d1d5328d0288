import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { formatBytes, formatDuration } from '../../lib/bytes.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';

/** What one run of git may take of this machine; whoever writes a Dockerfile chooses the repository. */
export interface GitLimits {
  /** Of the objects and files on disk, together. */
  maxBytes: number;
  /** Of what git answers, e.g. the names of a look-up. */
  maxOutputBytes: number;
  maxSeconds: number;
}

export const GIT_LIMITS: GitLimits = { maxBytes: 10e9, maxOutputBytes: 16e6, maxSeconds: 1800 };

/** Between two looks at the disk; a tree that takes long to look through is looked at less often. */
const LOOK_MS = 500;
const LOOK_SHARE = 20;
/** What an entry counts at least, so that a million empty files are something. */
const ENTRY_BYTES = 4096;

/** Ends a run of git that goes beyond its limits, and knows which one it was. */
export class GitWatch {
  readonly #limits: GitLimits;
  readonly #folder: string;
  readonly #abort = new AbortController();
  readonly #done = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #looking: Promise<void>;
  #output = 0;
  /** The limit that was broken. */
  broken: Problem | undefined;

  /** @param folder what it writes to */
  constructor(limits: GitLimits, folder: string) {
    this.#limits = limits;
    this.#folder = folder;
    const { maxSeconds } = limits;
    this.#timer = setTimeout(() => {
      this.#break(`took longer than ${formatDuration(maxSeconds * 1000)}`, 'fetch.gitMaxSeconds');
    }, maxSeconds * 1000);
    this.#looking = this.#look();
    this.#looking.catch(() => undefined); // whoever closes hears of it
  }

  /** Given when a limit is broken. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** @returns false when it is too much, and nothing of it is to be kept */
  takeOutput(bytes: number): boolean {
    this.#output += bytes;
    if (this.#output <= this.#limits.maxOutputBytes) return true;
    this.#break(`answers with more than ${formatBytes(this.#limits.maxOutputBytes)}`, 'fetch.gitMaxOutputBytes');
    return false;
  }

  /** A last look at what was written, then no more. @throws Problem `exhausted` for a limit that was broken */
  async finish(): Promise<void> {
    await this.close();
    if (this.broken === undefined) await this.#measure();
    if (this.broken !== undefined) throw this.broken;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#done.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    let wait = LOOK_MS;
    while (!this.#done.signal.aborted) {
      try {
        await pause(wait, undefined, { signal: this.#done.signal });
      } catch {
        return;
      }
      const began = performance.now();
      await this.#measure();
      wait = Math.max(LOOK_MS, (performance.now() - began) * LOOK_SHARE);
    }
  }

  async #measure(): Promise<void> {
    const { maxBytes } = this.#limits;
    if ((await sizeOf(this.#folder, maxBytes)) > maxBytes)
      this.#break(`is larger than ${formatBytes(maxBytes)} with its history`, 'fetch.gitMaxBytes');
  }

  #break(what: string, setting: string): void {
    this.broken ??= new Problem('exhausted', `the repository ${what}`, {
      hint: `The owner of the server can raise ${setting} in slipway.yaml.`,
    });
    this.#abort.abort();
  }
}

/** Bytes that a folder takes on disk, not read further once there are more than `enough`. It may change meanwhile. */
async function sizeOf(folder: string, enough: number): Promise<number> {
  let bytes = 0;
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined && bytes <= enough; next = folders.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true }).catch(ifGone<[]>([]))) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      bytes += Math.max(((await lstat(path).catch(ifGone(undefined)))?.blocks ?? 0) * 512, ENTRY_BYTES);
    }
  }
  return bytes;
}

function ifGone<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return instead;
    throw new Error(`a checkout can't be measured: ${messageOf(error)}`, { cause: error });
  };
}
