import type { DockerHouse } from '../call.ts';

/** The builds of one scope that are under way and have a name, so that another request can end them. */
class RunningBuilds {
  readonly #running = new Map<string, AbortController>();

  /** @param id empty: nobody can ask for its end */
  async within<T>(id: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (id === '') return await work(signal);
    const end = new AbortController();
    this.#running.set(id, end);
    try {
      return await work(AbortSignal.any([signal, end.signal]));
    } finally {
      if (this.#running.get(id) === end) this.#running.delete(id);
    }
  }

  /** A build that has ended, or never was, is as good as ended. */
  cancel(id: string): void {
    this.#running.get(id)?.abort();
  }
}

const ofHouse = new WeakMap<DockerHouse['events'], RunningBuilds>();

export function runningBuildsOf({ events }: Pick<DockerHouse, 'events'>): RunningBuilds {
  const known = ofHouse.get(events) ?? new RunningBuilds();
  ofHouse.set(events, known);
  return known;
}
