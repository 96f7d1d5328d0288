import { SHORTEST_MASKED, secretShapes } from './secret-shapes.ts';

/** Says nothing of how long the secret is. */
export const MASK = '***';

/** Longer texts are found by pieces of this length, so that no more than this is ever held back. Characters. */
const PIECE = 16;
/** Of a table that tells at a glance where no secret begins. */
const GLANCES = 1 << 16;

/**
 * Hides secrets in text, in time that grows with the text alone. A shape (secret-shapes.ts) of more than 16 characters is cut
 * into pieces of 16, the last of which may overlap the one before; wherever a piece stands, it is covered, and what is covered
 * side by side becomes one `***`. So a whole secret is always covered, most of a broken one is, and a stream has to hold back
 * 15 characters at most, and none behind a newline.
 */
export class LogMask {
  readonly #pieces = new Map<number, Set<string>>();
  readonly #begins = new Uint8Array(GLANCES);
  #longest = 1;

  /** From now on these are hidden, too. */
  add(value: string): void {
    for (const shape of secretShapes(value)) {
      const length = Math.min(PIECE, shape.length);
      for (let at = 0; at < shape.length; at += length)
        this.#addPiece(shape.substr(Math.min(at, shape.length - length), length));
    }
  }

  /** A text that is whole: the line of a log, an error's message. */
  text(text: string): string {
    const stream = this.stream();
    return stream.push(text) + stream.end();
  }

  /** Text that comes in pieces, wherever it is cut. */
  stream(): MaskStream {
    return new MaskStream(this);
  }

  /** Most characters that a stream must hold back. */
  get reach(): number {
    return this.#longest - 1;
  }

  /** Where the longest piece ends that begins at `at`; `at` itself when none does. */
  matchAt(text: string, at: number): number {
    if (this.#begins[glance(text, at)] === 0) return at;
    let end = at;
    for (const [length, pieces] of this.#pieces)
      if (at + length > end && pieces.has(text.slice(at, at + length))) end = at + length;
    return end;
  }

  #addPiece(piece: string): void {
    const known = this.#pieces.get(piece.length) ?? new Set();
    this.#pieces.set(piece.length, known.add(piece));
    this.#begins[glance(piece, 0)] = 1;
    this.#longest = Math.max(this.#longest, piece.length);
  }
}

/** `push` gives back what is certain by then; `end` the rest, and the stream begins anew. */
export class MaskStream {
  readonly #mask: LogMask;
  #held = '';
  /** So many of the held characters are covered by what begins before them. */
  #covered = 0;
  /** Whether the last character that went out is part of a `***`. */
  #hiding = false;

  constructor(mask: LogMask) {
    this.#mask = mask;
  }

  push(text: string): string {
    const { reach } = this.#mask;
    if (reach === 0 && this.#held === '') return text;
    const whole = this.#held + text;
    // no piece has a newline in it
    return this.#pass(whole, Math.max(whole.length - reach, whole.lastIndexOf('\n') + 1, 0));
  }

  end(): string {
    const rest = this.#pass(this.#held, this.#held.length);
    this.#hiding = false;
    return rest;
  }

  #pass(text: string, until: number): string {
    let out = '';
    let shown = 0;
    let covered = this.#covered;
    for (let at = 0; at < until; at++) {
      covered = Math.max(covered, this.#mask.matchAt(text, at));
      if (at >= covered) this.#hiding = false;
      else {
        if (!this.#hiding) out += text.slice(shown, at) + MASK;
        this.#hiding = true;
        shown = at + 1;
      }
    }
    this.#held = text.slice(until);
    this.#covered = Math.max(0, covered - until);
    return out + text.slice(shown, until);
  }
}

/** A number for the first characters, as many as every piece has. */
function glance(text: string, at: number): number {
  let number = 0;
  for (let i = at; i < at + SHORTEST_MASKED; i++) number = (Math.imul(number, 31) + text.charCodeAt(i)) | 0;
  return number & (GLANCES - 1);
}
