import { readFile } from 'node:fs/promises';
import type { AccountedGroup } from './accounting.ts';

/** Short enough for a client that lives 80 ms, and about 2 % of one processor. */
const EVERY_MS = 10;
const PAGE_BYTES = 4096;

/**
 * Looks at a group's processes while they work. What it finds is the highest sum of resident pages at one moment; pages
 * that two processes share count twice, which is to the disadvantage of contenders of several processes.
 */
export class ResidentMemory {
  readonly #group: AccountedGroup;
  readonly #done: Promise<void>;
  #peak = 0;
  #stopped = false;

  constructor(group: AccountedGroup) {
    this.#group = group;
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
      const pages = await Promise.all((await this.#group.processes()).map(residentPages));
      this.#peak = Math.max(this.#peak, pages.reduce((sum, count) => sum + count, 0) * PAGE_BYTES);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

/** proc_pid_statm(5): the second field. */
async function residentPages(pid: number): Promise<number> {
  try {
    return Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1] ?? 0);
  } catch {
    return 0; // it has ended between the two looks
  }
}
