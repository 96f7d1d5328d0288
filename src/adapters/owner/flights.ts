import type { Flights } from '../../engine/cache/cache.ts';
import { Problem } from '../../lib/problem.ts';

interface Ticket {
  holder: string;
  /** Given when the process that asked has gone; absent for the owner's own work. */
  process: AbortSignal | undefined;
  begin: () => void;
  refuse: (problem: Problem) => void;
}

/**
 * One operation, one doer, for all processes of a data folder. Whoever asks for a key that is taken waits in line; the
 * first of a line holds the key. Nothing is written down: when the owner ends, its builds end too.
 */
export class FlightControl {
  readonly #lines = new Map<string, Ticket[]>();

  /** Flights of one process: all of them, held or waited for, end when `process` is given. */
  of(process?: AbortSignal): Flights {
    process?.addEventListener('abort', () => this.#endAll(process), { once: true });
    return {
      acquire: (key, holder) => this.#acquire(key, holder, process),
      release: async (key, holder) => {
        this.#end(key, (ticket) => ticket.holder === holder && ticket.process === process);
      },
    };
  }

  /** Keys that are held now; for metrics and tests. */
  get size(): number {
    return this.#lines.size;
  }

  #acquire(key: string, holder: string, process: AbortSignal | undefined): Promise<void> {
    return new Promise((begin, refuse) => {
      if (process?.aborted) return refuse(givenUp(key));
      const line = this.#lines.get(key) ?? [];
      this.#lines.set(key, line);
      line.push({ holder, process, begin, refuse });
      if (line.length === 1) begin();
    });
  }

  /** Ends the first such ticket of a line: the one that holds the key, else one that waits for it. */
  #end(key: string, which: (ticket: Ticket) => boolean): boolean {
    const line = this.#lines.get(key) ?? [];
    const place = line.findIndex(which);
    if (place < 0) return false;
    const [ended] = line.splice(place, 1);
    if (place > 0) ended?.refuse(givenUp(key));
    else line[0]?.begin();
    if (line.length === 0) this.#lines.delete(key);
    return true;
  }

  #endAll(process: AbortSignal): void {
    for (const key of [...this.#lines.keys()]) while (this.#end(key, (ticket) => ticket.process === process));
  }
}

function givenUp(key: string): Problem {
  return new Problem('cancelled', `waiting for ${key} was given up`);
}
