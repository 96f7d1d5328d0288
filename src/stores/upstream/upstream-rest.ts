import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Problem } from '../../lib/problem.ts';

/** An upstream that did not answer or refuses is left alone for so long by whoever has a copy. Milliseconds. */
const REST_MS = 30_000;

/** Which upstreams can't be asked at the moment, and why: a hundred kept images must not wait a hundred times. */
export class UpstreamRest {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { problem: Problem; since: number; until: number }>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** The reason why it isn't worth asking now. */
  problem(url: string): Problem | undefined {
    const failure = this.#failures.get(url);
    return failure !== undefined && failure.until > this.#clock.now() ? failure.problem : undefined;
  }

  failed(url: string, problem: Problem): void {
    const now = this.#clock.now();
    this.#failures.set(url, { problem, since: this.#failures.get(url)?.since ?? now, until: now + REST_MS });
  }

  answered(url: string): void {
    this.#failures.delete(url);
  }

  /** The failure that no answer has followed yet, for those who look after the server. */
  failure(url: string): { problem: Problem; since: number } | undefined {
    return this.#failures.get(url);
  }
}

/** Whether a failure says something of the whole upstream, and not of one image. */
export function concernsUpstream(problem: Problem): boolean {
  return problem.code === 'unavailable' || problem.code === 'timeout' || problem.code === 'exhausted';
}
