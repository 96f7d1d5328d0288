import { textWidth } from './text-width.ts';

export interface ScreenSize {
  columns: number;
  rows: number;
}

/** A line to show: its text decides its width, `styled` is what is written. */
export interface ScreenLine {
  text: string;
  styled: string;
}

// ECMA-48
const UP = (rows: number) => (rows === 0 ? '' : `\u001b[${rows}A`);
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
// DEC private mode 25: the cursor doesn't run through the picture while it is drawn
const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';

/** The last lines of a terminal, drawn again and again in their place; the cursor stands below them. */
export class LiveLines {
  readonly #write: (text: string) => void;
  readonly #size: () => ScreenSize;
  #shown: ScreenLine[] = [];

  constructor(write: (text: string) => void, size: () => ScreenSize) {
    this.#write = write;
    this.#size = size;
  }

  /** Lines that are the same as before are not written again. */
  draw(lines: readonly ScreenLine[]): void {
    const { columns, rows } = this.#size();
    const height = Math.min(this.#heightAt(columns), rows - 1);
    // after a change of width, a line may have broken into several
    const same = height === this.#shown.length ? this.#shown : [];
    const text = lines.map((line, i) => (same[i]?.styled === line.styled ? '\n' : `${line.styled}${ERASE_LINE}\n`));
    this.#write(`${HIDE}\r${UP(height)}${text.join('')}${ERASE_BELOW}${SHOW}`);
    this.#shown = [...lines];
  }

  /** The lines stay where they are, and whatever is written next stands below them. */
  leave(): void {
    this.#shown = [];
  }

  #heightAt(columns: number): number {
    return this.#shown.reduce((sum, { text }) => sum + Math.max(1, Math.ceil(textWidth(text) / columns)), 0);
  }
}
