/** The same work asked for while it is under way is done once, and everyone gets its one result or error. */
export class SingleFlight<K, T> {
  readonly #flying = new Map<K, Promise<T>>();

  do(key: K, work: () => Promise<T>): Promise<T> {
    const flying = this.#flying.get(key);
    if (flying !== undefined) return flying;
    const started = work().finally(() => this.#flying.delete(key));
    this.#flying.set(key, started);
    return started;
  }
}
