/** A word as written, quotes and escapes kept, with its offsets in the logical line. */
export interface RawWord {
  text: string;
  start: number;
  end: number;
}

const BLANK = /\s/;

/**
 * Splits at blanks that are neither quoted nor escaped. Quotes that never close are no error here: a RUN line is the
 * shell's to read. An escape that ends the line is dropped.
 */
export function splitWords(line: string, escapeToken: string, from = 0): RawWord[] {
  const words: RawWord[] = [];
  let at = from;
  while (at < line.length) {
    if (BLANK.test(line[at] ?? '')) {
      at++;
      continue;
    }
    const start = at;
    let text = '';
    let quote = '';
    for (; at < line.length; at++) {
      const character = line[at] ?? '';
      if (quote === '' && BLANK.test(character)) break;
      if (character === escapeToken) {
        if (at + 1 === line.length) continue;
        text += character + line[++at];
        continue;
      }
      if (quote === character) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      text += character;
    }
    words.push({ text, start, end: at });
  }
  return words;
}

/** Flags at the front of `line` from `from`; `--` ends them. `text` has its quotes removed, offsets are those of the raw text. */
export function splitFlags(line: string, from: number): { flags: RawWord[]; rest: number } {
  const flags: RawWord[] = [];
  let at = from;
  for (;;) {
    while (BLANK.test(line[at] ?? '')) at++;
    if (!line.startsWith('--', at)) return { flags, rest: at };
    const start = at;
    let text = '';
    let quote = '';
    for (; at < line.length; at++) {
      const character = line[at] ?? '';
      if (quote === '' && BLANK.test(character)) break;
      if (character === '\\') text += line[++at] ?? '';
      else if (quote === character) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else text += character;
    }
    at = Math.min(at, line.length);
    if (text === '--') return { flags, rest: at };
    flags.push({ text, start, end: at });
  }
}
