/** Milliseconds before the first start after an end; doubled each time, as docker does. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
/** Who ran so long begins anew with the short delay. */
const LONG_ENOUGH = 10_000;

/** The wait between the end of a container and its next start. */
export class RestartTimer {
  #next = FIRST_DELAY;
  #timer: NodeJS.Timeout | undefined;

  /** @param lasted how long it ran, in milliseconds */
  set(lasted: number, start: () => void): void {
    if (lasted >= LONG_ENOUGH) this.#next = FIRST_DELAY;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      start();
    }, this.#next);
    this.#next = Math.min(LONGEST_DELAY, this.#next * 2);
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  /** @returns whether it was set */
  cancel(): boolean {
    const was = this.isSet;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return was;
  }
}
