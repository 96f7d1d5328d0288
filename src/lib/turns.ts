/**
 * Lets callers through one after the other, each in a turn of the event loop of its own. Rows are written without leaving the
 * loop, a flush of the disk each; sixty requests that came together would hold up everybody else for as long as all of
 * them take.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn. */
  take(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
