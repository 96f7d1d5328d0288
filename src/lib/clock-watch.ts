import { type Clock, systemClock } from './clock.ts';

export interface ClockWatchOptions {
  clock?: Clock;
  /** Milliseconds from any moment on, which nobody sets forwards or back. */
  elapsed?: () => number;
}

/** NTP moves a clock by less than this without setting it. */
const TOLERANCE_MS = 5 * 60 * 1000;

/**
 * Notices that the clock was set, forwards or back, or that the machine slept. Whatever counts ages by the clock is wrong
 * for a while then: what was begun a minute ago seems to be a day old, and whoever began it is still at work.
 */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  #offset: number;
  #setAt: number | undefined;

  constructor({ clock = systemClock, elapsed = () => performance.now() }: ClockWatchOptions = {}) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#offset = clock.now() - elapsed();
  }

  /** Milliseconds since it was noticed that the clock had been set; infinity when it never was. */
  evenFor(): number {
    const now = this.#elapsed();
    const offset = this.#clock.now() - now;
    if (Math.abs(offset - this.#offset) > TOLERANCE_MS) {
      this.#setAt = now;
      this.#offset = offset;
    }
    return this.#setAt === undefined ? Number.POSITIVE_INFINITY : now - this.#setAt;
  }
}
