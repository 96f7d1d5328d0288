/** Between two pictures; 20 in a second are as many as an eye can use. Milliseconds. */
const LEAST_MS = 50;
/** Running times have one digit behind the point, so a picture is drawn so often even when nothing happens. Milliseconds. */
const TICK_MS = 100;

/** Draws when something happened, not too often, and while nothing happens often enough for the clocks to go on. */
export class Redraw {
  readonly #draw: () => void;
  #drawn = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #soon = false;
  #ended = false;

  constructor(draw: () => void) {
    this.#draw = draw;
    this.#arm(TICK_MS);
  }

  /** Something happened. */
  ask(): void {
    if (this.#soon || this.#ended) return;
    this.#soon = true;
    this.#arm(Math.max(0, LEAST_MS - (performance.now() - this.#drawn)));
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#soon = false;
      this.#drawn = performance.now();
      this.#draw();
      this.#arm(TICK_MS);
    }, ms).unref();
  }
}
