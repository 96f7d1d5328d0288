/** Characters that are kept of a line; no terminal is wider. */
const LINE = 1024;

/** The last lines of a program's output, the one that it is still writing among them. */
export class Tail {
  readonly #keep: number;
  #lines: string[] = [];
  #rest = '';

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(text: string): void {
    const pieces = text.split('\n');
    const first = this.#rest + pieces[0];
    // of a line that is written again and again, its end is what can be seen
    if (pieces.length === 1) {
      this.#rest = first.slice(-2 * LINE);
      return;
    }
    const whole = [first, ...pieces.slice(1, -1).slice(-this.#keep)];
    this.#lines = [...this.#lines, ...whole.map((line) => line.slice(-2 * LINE))].slice(-this.#keep);
    this.#rest = (pieces.at(-1) ?? '').slice(-2 * LINE);
  }

  get lines(): string[] {
    return this.#rest === '' ? this.#lines : [...this.#lines, this.#rest].slice(-this.#keep);
  }
}
