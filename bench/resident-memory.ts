import { readFile } from 'node:fs/promises';
import type { AccountedGroup } from './accounting.ts';

/** Short enough for a client that lives 80 ms; a look costs about a millisecond for each process. */
const EVERY_MS = 25;

/**
 * Looks at a group's processes while they work. What it finds is the highest sum at one moment, unless told otherwise of their
 * proportional set sizes: a page that several processes share, such as the code of the program, counts once in all and not once in each.
 */
export class ResidentMemory {
  readonly #group: AccountedGroup;
  readonly #bytesOf: (group: AccountedGroup) => Promise<number>;
  readonly #done: Promise<void>;
  #peak = 0;
  #stopped = false;

  constructor(group: AccountedGroup, bytesOf: (group: AccountedGroup) => Promise<number> = proportionalBytes) {
    this.#group = group;
    this.#bytesOf = bytesOf;
    this.#done = this.#watch();
  }

  /** Bytes. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#done;
    return this.#peak;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      this.#peak = Math.max(this.#peak, await this.#bytesOf(this.#group));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

async function proportionalBytes(group: AccountedGroup): Promise<number> {
  const sizes = await Promise.all((await group.processes()).map(proportionalSize));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** proc_pid_smaps_rollup(5): in kB. */
async function proportionalSize(pid: number): Promise<number> {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has ended between the two looks
  }
}
