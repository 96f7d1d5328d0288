import { stripVTControlCharacters } from 'node:util';

/** Blocks whose characters take two columns (Unicode's East Asian Width W and F), as first and last code point. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const EMOJI = /\p{Emoji_Presentation}/u;

/** Columns that a text takes on a terminal; it has no control characters (see `printable`). */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** As much of the text's beginning as fits, with an ellipsis where it was cut. */
export function cutText(text: string, columns: number): string {
  if (text.length <= columns && /^[\x20-\x7e]*$/.test(text)) return text;
  if (columns <= 0) return '';
  let width = 0;
  let kept = 0;
  let end = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) return `${text.slice(0, kept)}…`;
    end += character.length;
    if (width <= columns - 1) kept = end;
  }
  return text;
}

/** A line of a program's output without what would move the cursor or change colours; of what it overwrote, the last. */
export function printable(line: string): string {
  const shown = line.replace(/\r+$/, '');
  const last = stripVTControlCharacters(shown.slice(shown.lastIndexOf('\r') + 1));
  return last.replaceAll('\t', '    ').replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '');
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (NO_WIDTH.test(character)) return 0;
  return EMOJI.test(character) || WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
