import type { RegistrySize } from '../../stores/registry/registry.ts';

/** A count that took less is made again each time. Milliseconds. */
const CHEAP_MS = 500;
/** A costly count is good for so many times as long as it took: counting never takes more than a twentieth of the time. */
const GOOD_FOR = 20;

/**
 * Sizes that took long to count. Whoever lists repositories asks for all their sizes, again and again; with a million blobs
 * each answer costs seconds. Those who ask for the same size at once wait for one count.
 */
export class SizeMemo {
  readonly #count: (repositoryOrPrefix: string) => Promise<RegistrySize>;
  readonly #now: () => number;
  readonly #counting = new Map<string, Promise<RegistrySize>>();
  readonly #known = new Map<string, { size: RegistrySize; until: number }>();

  /** @param now a clock that nobody sets, in milliseconds */
  constructor(count: (repositoryOrPrefix: string) => Promise<RegistrySize>, now = () => performance.now()) {
    this.#count = count;
    this.#now = now;
  }

  async size(repositoryOrPrefix: string): Promise<RegistrySize> {
    const known = this.#known.get(repositoryOrPrefix);
    if (known !== undefined && this.#now() < known.until) return known.size;
    let counting = this.#counting.get(repositoryOrPrefix);
    if (counting === undefined) {
      counting = this.#measure(repositoryOrPrefix).finally(() => this.#counting.delete(repositoryOrPrefix));
      this.#counting.set(repositoryOrPrefix, counting);
    }
    return counting;
  }

  async #measure(repositoryOrPrefix: string): Promise<RegistrySize> {
    const start = this.#now();
    const size = await this.#count(repositoryOrPrefix);
    const end = this.#now();
    for (const [key, { until }] of this.#known) if (until <= end) this.#known.delete(key);
    if (end - start >= CHEAP_MS) this.#known.set(repositoryOrPrefix, { size, until: end + (end - start) * GOOD_FOR });
    return size;
  }
}
