import { type Clock, systemClock } from '../lib/clock.ts';
import { pause } from '../lib/retry.ts';

/** Wrong answers a minute that cost nothing: people mistype, and a revoked CI variable fails in every job. */
const FREE_FAILURES = 10;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;

/**
 * Makes guessing slow: after a few failures each further one is answered later, up to 2 s. Right secrets are never
 * delayed, so that nobody can lock others out by failing in their place.
 */
export class FailureBrake {
  readonly #clock: Clock;
  readonly #wait: (ms: number) => Promise<void>;
  #failures = 0;
  #lastAt = 0;

  constructor(clock: Clock = systemClock, wait: (ms: number) => Promise<void> = pause) {
    this.#clock = clock;
    this.#wait = wait;
  }

  /** Counts a failure, and resolves when its answer may be given. */
  async failed(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#lastAt > WINDOW_MS) this.#failures = 0;
    this.#lastAt = now;
    this.#failures++;
    const beyond = this.#failures - FREE_FAILURES;
    if (beyond > 0) await this.#wait(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (beyond - 1)));
  }
}
