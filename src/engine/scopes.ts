import { setMaxListeners } from 'node:events';
import { throwIfCancelled } from '../lib/cancelled.ts';
import type { Caller } from './engine.ts';

/** What runs for a scope, so that its end also ends that. */
export class Scopes {
  readonly #running = new Map<string, Set<{ abort: AbortController; done: Promise<unknown> }>>();

  /** @throws Problem `cancelled`; whatever the work throws */
  async within<T>(caller: Caller, work: (bound: Caller) => Promise<T>): Promise<T> {
    throwIfCancelled(caller.signal);
    const abort = new AbortController();
    const signal = AbortSignal.any([caller.signal, abort.signal]);
    setMaxListeners(0, signal); // every request under way listens
    const done = work({ ...caller, signal });
    const entry = { abort, done };
    const running = this.#running.get(caller.scope) ?? new Set();
    this.#running.set(caller.scope, running);
    running.add(entry);
    try {
      return await done;
    } finally {
      running.delete(entry);
      if (running.size === 0) this.#running.delete(caller.scope);
    }
  }

  async end(scope: string): Promise<void> {
    const running = [...(this.#running.get(scope) ?? [])];
    for (const { abort } of running) abort.abort();
    await Promise.allSettled(running.map(({ done }) => done));
  }
}
