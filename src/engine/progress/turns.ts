/** Whoever speaks keeps the floor so long, however much the others have to say. Milliseconds. */
const AT_LEAST_MS = 5000;
/** Whoever waits that long gets the floor. Milliseconds. */
const AT_MOST_MS = 10_000;

interface Speaker {
  /** Since when it speaks, or waits to. */
  since: number;
  /** Lines in that time. */
  lines: number;
}

/**
 * Who of several vertices at work writes, when each has lines: one at a time, so that its lines stay together. The floor
 * goes to another when whoever has it has had it for a while and says less than its share, or when somebody has waited
 * long, which are the rules that people know from BuildKit's client.
 */
export class Turns {
  readonly #speakers = new Map<number, Speaker>();
  #current: number | undefined;

  get current(): number | undefined {
    return this.#current;
  }

  /** Counts a line of somebody. */
  said(id: number, now: number): void {
    const speaker = this.#speakers.get(id);
    if (speaker === undefined) this.#speakers.set(id, { since: now, lines: 1 });
    else speaker.lines++;
  }

  give(id: number, now: number): void {
    this.#current = id;
    this.#speakers.set(id, { since: now, lines: 0 });
  }

  /** The floor is free; whoever spoke waits anew. */
  leave(): void {
    if (this.#current !== undefined) this.#speakers.delete(this.#current);
    this.#current = undefined;
  }

  ended(id: number): void {
    this.#speakers.delete(id);
    if (this.#current === id) this.#current = undefined;
  }

  /** Whose turn it is now, of those who have something to say; undefined: nothing changes. */
  next(waiting: readonly number[], now: number): number | undefined {
    const rate = (id: number) => {
      const speaker = this.#speakers.get(id);
      return speaker === undefined ? 0 : speaker.lines / Math.max(1, now - speaker.since);
    };
    const others = waiting.filter((id) => id !== this.#current);
    const [first, ...rest] = others;
    if (first === undefined) return undefined;
    const loudest = rest.reduce((best, id) => (rate(id) > rate(best) ? id : best), first);
    if (this.#current === undefined) return loudest;
    const long = others.find((id) => now - (this.#speakers.get(id)?.since ?? now) > AT_MOST_MS);
    if (long !== undefined) return long;
    const held = now - (this.#speakers.get(this.#current)?.since ?? now);
    const sum = rate(this.#current) + others.reduce((all, id) => all + rate(id), 0);
    const share = sum === 0 ? 0 : rate(this.#current) / sum;
    return held * (1 - share) > AT_LEAST_MS ? loudest : undefined;
  }
}
