/** A map of what was used last: beyond so many entries, or so much weight, what nobody used for the longest time goes. */
export class LatelyUsed<K, V> {
  readonly #limit: number;
  readonly #weigh: (value: V) => number;
  #weight = 0;
  /** A Map keeps the order of insertion, so what is put in again stands last. */
  readonly #entries = new Map<K, V>();

  /** @param weigh what counts towards the limit; each entry as one unless told. What is heavier than all is not kept */
  constructor(limit: number, weigh: (value: V) => number = () => 1) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  /** Counts as a use. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#delete(key);
    this.#entries.set(key, value);
    this.#weight += this.#weigh(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#limit) return;
      this.#delete(oldest);
    }
  }

  #delete(key: K): void {
    const value = this.#entries.get(key);
    if (value !== undefined) this.#weight -= this.#weigh(value);
    this.#entries.delete(key);
  }
}
