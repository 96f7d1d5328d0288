/** The time that a rate is measured over. Milliseconds. */
const WINDOW_MS = 3000;

/** How fast something goes on just now, from how far it was at some moments. */
export class Rate {
  readonly #samples: { at: number; current: number }[] = [];

  /** @param at milliseconds */
  add(at: number, current: number): void {
    this.#samples.push({ at, current });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  /** Per second; nothing until there is enough to tell. */
  perSecond(now: number): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || now - first.at < 200) return undefined;
    return ((last.current - first.current) * 1000) / (now - first.at);
  }
}
