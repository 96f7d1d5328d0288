import { textWidth } from '../../../src/cli/progress/text-width.ts';

/** What an escape sequence looks like: ECMA-48 CSI, with DEC's private `?`. */
const SEQUENCE = /^\u001b\[(\??)([\d;]*)([A-Za-z])/;

/**
 * As much of a terminal as a progress picture needs: cells, wrapping, scrolling, cursor up, erasing, and what most
 * emulators do to lines when the width changes. Colours are dropped.
 */
export class Screen {
  /** Whole lines as written; a row of the screen is a piece of one. */
  #lines: string[] = [''];
  #columns: number;
  #rows: number;
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Everything that scrolled off, and the screen. */
  get lines(): string[] {
    return this.#lines.map((line) => line.trimEnd());
  }

  /** What can be seen now. */
  get visible(): string[] {
    return this.lines.slice(-this.#rows);
  }

  /** Lines that are longer than the new width are broken, and the cursor stays where it was in its line. */
  resize(columns: number, rows: number): void {
    const broken = this.#lines.map((line) => pieces(line.trimEnd(), columns));
    this.#row = broken.slice(0, this.#row).reduce((sum, each) => sum + each.length, 0);
    this.#lines = broken.flat();
    this.#columns = columns;
    this.#rows = rows;
  }

  write(text: string): void {
    for (let at = 0; at < text.length; ) {
      const sequence = SEQUENCE.exec(text.slice(at, at + 32));
      if (sequence !== null) {
        this.#control(sequence[3] ?? '', Number(sequence[2]?.split(';')[0] || 1), sequence[2] ?? '');
        at += sequence[0].length;
        continue;
      }
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      at += character.length;
      if (character === '\n') this.#down();
      else if (character === '\r') this.#column = 0;
      else this.#put(character);
    }
  }

  #control(kind: string, count: number, given: string): void {
    if (kind === 'A') this.#row = Math.max(this.#lines.length - this.#rows, 0, this.#row - count);
    else if (kind === 'K') this.#lines[this.#row] = beginning(this.#lines[this.#row] ?? '', this.#column);
    else if (kind === 'J' && given === '') {
      this.#lines.length = this.#row + 1;
      this.#lines[this.#row] = beginning(this.#lines[this.#row] ?? '', this.#column);
    } else if (kind === 'J') throw new Error('the whole screen was erased');
  }

  #put(character: string): void {
    const width = textWidth(character);
    if (this.#column + width > this.#columns) {
      this.#down();
      this.#column = 0;
    }
    const line = this.#lines[this.#row] ?? '';
    const before = beginning(line, this.#column);
    const padded = before + ' '.repeat(this.#column - textWidth(before));
    this.#lines[this.#row] = padded + character + line.slice(beginning(line, this.#column + width).length);
    this.#column += width;
  }

  #down(): void {
    this.#row++;
    // the line discipline of a terminal makes CR LF of LF
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push('');
  }
}

function beginning(line: string, columns: number): string {
  let width = 0;
  let text = '';
  for (const character of line) {
    width += textWidth(character);
    if (width > columns) break;
    text += character;
  }
  return text;
}

function pieces(line: string, columns: number): string[] {
  const found: string[] = [];
  for (let rest = line; ; ) {
    const piece = beginning(rest, columns);
    found.push(piece);
    rest = rest.slice(piece.length);
    if (rest === '' || piece === '') return found;
  }
}
