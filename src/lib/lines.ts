/** A line longer than this many characters is broken, so that a program that never ends one can't fill the memory. */
const LONGEST_LINE = 1 << 20;

/** Cuts text that comes in pieces into lines, without their newlines. */
export class Lines {
  readonly #longest: number;
  #rest = '';

  constructor(longest: number = LONGEST_LINE) {
    this.#longest = longest;
  }

  /** The lines that are whole now, and pieces of one that is too long. */
  take(text: string): string[] {
    // joined without being looked through again: a long line would cost the square of its length
    if (!text.includes('\n') && this.#rest.length + text.length <= this.#longest) {
      this.#rest += text;
      return [];
    }
    const lines = (this.#rest + text).split('\n').flatMap((line) => this.#pieces(line));
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  /** What has no newline yet, if anything; from then on it begins anew. */
  end(): string {
    const rest = this.#rest;
    this.#rest = '';
    return rest;
  }

  #pieces(line: string): string[] {
    if (line.length <= this.#longest) return [line];
    const pieces: string[] = [];
    for (let at = 0; at < line.length; at += this.#longest) pieces.push(line.slice(at, at + this.#longest));
    return pieces;
  }
}
