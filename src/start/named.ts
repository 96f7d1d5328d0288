/** The first ten are named, the others counted. */
const NAMED = 10;

/** Findings of which there may be a million. */
export class Named {
  readonly #first: string[] = [];
  count = 0;

  add(name: string): void {
    this.count++;
    if (this.#first.length < NAMED) this.#first.push(name);
  }

  toString(): string {
    const more = this.count - this.#first.length;
    return `${this.#first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  }
}
