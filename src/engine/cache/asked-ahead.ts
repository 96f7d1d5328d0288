import type { CacheHit, CacheStore } from './cache.ts';

/** Dockerfiles whose last build is remembered, and operations of each: a few hundred kilobytes at most. */
const BUILDS_KEPT = 100;
const KEYS_KEPT = 200;

/** What builds looked for last, of each Dockerfile; forgotten with the process. */
export class LastKeys {
  readonly #keys = new Map<string, readonly string[]>();

  of(build: string): readonly string[] {
    return this.#keys.get(build) ?? [];
  }

  note(build: string, keys: readonly string[]): void {
    this.#keys.delete(build);
    this.#keys.set(build, keys.slice(0, KEYS_KEPT));
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > BUILDS_KEPT && oldest !== undefined) this.#keys.delete(oldest);
  }
}

/**
 * The layer cache, asked at the start of a build for all that the last build of the same Dockerfile found: an unchanged one
 * then waits for one answer of the owner in place of one for each instruction. Only what was found counts; whatever was not
 * there is asked for when its turn comes, because another build may have made it meanwhile.
 */
export class AskedAhead implements Pick<CacheStore, 'find' | 'save' | 'latest'> {
  readonly #cache: CacheStore;
  readonly #project: string;
  readonly #found: Promise<ReadonlyMap<string, CacheHit>>;
  readonly #keys = new Set<string>();

  constructor(cache: CacheStore, project: string, likely: readonly string[]) {
    this.#cache = cache;
    this.#project = project;
    this.#found = this.#ask(likely);
  }

  /** What this build found. */
  get keys(): readonly string[] {
    return [...this.#keys];
  }

  async find(project: string, key: string): Promise<CacheHit | undefined> {
    const ahead = project === this.#project ? (await this.#found).get(key) : undefined;
    const hit = ahead ?? (await this.#cache.find(project, key));
    if (hit !== undefined) this.#keys.add(key);
    return hit;
  }

  save(...args: Parameters<CacheStore['save']>): Promise<void> {
    return this.#cache.save(...args);
  }

  latest(...args: Parameters<CacheStore['latest']>): ReturnType<CacheStore['latest']> {
    return this.#cache.latest(...args);
  }

  /** Whoever asks for a key meets what went wrong here again, and says it better. */
  async #ask(likely: readonly string[]): Promise<ReadonlyMap<string, CacheHit>> {
    if (likely.length === 0) return new Map();
    const hits = await this.#cache.findAll(this.#project, likely).catch(() => []);
    return new Map(hits.map((hit) => [hit.key, hit]));
  }
}
