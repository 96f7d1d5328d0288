import type { Range } from '../lib/problem.ts';
import { Complaint } from './complaint.ts';
import { removePattern, replacePattern } from './shell-pattern.ts';

/** One use of a variable, with its offsets in the word. */
export interface Reference {
  name: string;
  start: number;
  end: number;
  defined: boolean;
  /** Written with `-`, `+` or `?`: being undefined is foreseen. */
  guarded: boolean;
}

export interface Expansion {
  text: string;
  /** The same, split where unquoted blanks stand or were put by a variable. */
  words: string[];
  references: Reference[];
}

export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  escape?: string;
  /** False for the content of here-documents: quotes are characters like any other. */
  quotes?: boolean;
  /** Where the word stands, for complaints. */
  ranges?: Range[];
}

/**
 * Replaces variables and removes quotes and escapes, as a POSIX shell would. Forms: `$v ${v}`, `${v:-w} ${v-w}`,
 * `${v:+w} ${v+w}`, `${v:?m} ${v?m}`, `${v#p} ${v##p} ${v%p} ${v%%p}`, `${v/p/r} ${v//p/r}`. Positional and special
 * parameters (`$1`, `$@`) are never set.
 * @throws Complaint
 */
export function expand(word: string, lookup: Lookup, options: ExpandOptions = {}): Expansion {
  const expander = new Expander(word, lookup, options.escape ?? '\\', options.quotes ?? true);
  try {
    return expander.run();
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new Complaint(`failed to process ${JSON.stringify(word)}: ${error.message}`, {
      hint: error.hint,
      ranges: options.ranges,
    });
  }
}

const FORMS = `Forms: \${v:-default} \${v:+other} \${v:?message} \${v#front} \${v%end} \${v/old/new}.`;

/** Nobody writes `${a:-${b:-...}}` deeper; it bounds the stack. */
const DEEPEST = 100;

const NAME = /[\p{L}\p{Nd}_]/u;
const DIGIT = /\p{Nd}/u;
const SPECIAL = new Set('@*#?-$!0');
const BLANK = /\s/;

/** Splits the result into words while it grows. */
class WordList {
  readonly done: string[] = [];
  #word = '';
  #inWord = false;

  /** Text in which blanks separate words. */
  add(text: string): void {
    for (const character of text) {
      if (!BLANK.test(character)) this.addWhole(character);
      else if (this.#inWord && this.#word !== '') {
        this.done.push(this.#word);
        this.#word = '';
        this.#inWord = false;
      }
    }
  }

  /** Text that was quoted or escaped: part of the word as it is. */
  addWhole(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  finish(): string[] {
    if (this.#word !== '') this.done.push(this.#word);
    return this.done;
  }
}

class Expander {
  readonly #source: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  readonly #quotes: boolean;
  readonly #references: Reference[] = [];
  #at = 0;
  #depth = 0;

  constructor(source: string, lookup: Lookup, escapeToken: string, quotes: boolean) {
    this.#source = source;
    this.#lookup = lookup;
    this.#escape = escapeToken;
    this.#quotes = quotes;
  }

  run(): Expansion {
    const words = new WordList();
    const text = this.#until('', false, words);
    return { text, words: words.finish(), references: this.#references };
  }

  get #next(): string {
    return this.#source[this.#at] ?? '';
  }

  get #ended(): boolean {
    return this.#at >= this.#source.length;
  }

  /** Up to and including `stop`, or to the end when that is empty. `keepEscapes`: patterns read them themselves. */
  #until(stop: string, keepEscapes: boolean, words = new WordList()): string {
    let text = '';
    while (!this.#ended) {
      const character = this.#next;
      if (stop !== '' && character === stop) {
        this.#at++;
        return text;
      }
      if (character === '$') {
        const value = this.#dollar();
        words.add(value);
        text += value;
      } else if (this.#quotes && (character === "'" || character === '"')) {
        const value = character === "'" ? this.#singleQuoted() : this.#doubleQuoted();
        words.addWhole(value);
        text += value;
      } else if (character === this.#escape) {
        this.#at++;
        if (keepEscapes) text += character;
        if (this.#ended) break;
        words.addWhole(this.#next);
        text += this.#next;
        this.#at++;
      } else {
        words.add(character);
        text += character;
        this.#at++;
      }
    }
    if (stop !== '') throw new Complaint(`syntax error: missing '${stop}'`);
    return text;
  }

  #singleQuoted(): string {
    const end = this.#source.indexOf("'", this.#at + 1);
    if (end < 0) throw new Complaint('unexpected end of statement while looking for matching single-quote');
    const text = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    let text = '';
    this.#at++;
    while (!this.#ended) {
      const character = this.#next;
      if (character === '"') {
        this.#at++;
        return text;
      }
      if (character === '$') {
        text += this.#dollar();
        continue;
      }
      this.#at++;
      if (character !== this.#escape) {
        text += character;
        continue;
      }
      if (this.#ended) break;
      const escaped = this.#next;
      text += escaped === '"' || escaped === '$' || escaped === this.#escape ? escaped : character + escaped;
      this.#at++;
    }
    throw new Complaint('unexpected end of statement while looking for matching double-quote');
  }

  #dollar(): string {
    const start = this.#at++;
    if (this.#next === '{') return this.#braces(start);
    const name = this.#name();
    return name === '' ? '$' : (this.#value(name, start, false) ?? '');
  }

  #name(): string {
    const start = this.#at;
    if (DIGIT.test(this.#next)) while (DIGIT.test(this.#next)) this.#at++;
    else if (SPECIAL.has(this.#next)) this.#at++;
    else while (NAME.test(this.#next)) this.#at++;
    return this.#source.slice(start, this.#at);
  }

  #value(name: string, start: number, guarded: boolean): string | undefined {
    const value = this.#lookup(name);
    this.#references.push({ name, start, end: this.#at, defined: value !== undefined, guarded });
    return value;
  }

  /** `${...}`; stands on the brace. */
  #braces(start: number): string {
    this.#at++;
    if (this.#ended) throw new Complaint("syntax error: missing '}'");
    if (/[{}:]/.test(this.#next)) throw new Complaint('syntax error: bad substitution');
    const name = this.#name();
    let operator = this.#next;
    if (this.#ended) throw new Complaint("syntax error: missing '}'");
    this.#at++;
    if (operator === '}' && name !== '') return this.#value(name, start, false) ?? '';
    const colon = operator === ':';
    if (colon) {
      operator = this.#next;
      this.#at++;
    }
    const written = colon ? `:${operator}` : operator;
    const known = colon ? /^[-+?]$/ : /^[-+?#%/]$/;
    if (name === '' || !known.test(operator))
      throw name === '' || /^:?[\p{P}\p{S}]$/u.test(written.replace(/["']/g, ''))
        ? new Complaint(`unsupported modifier (${written}) in substitution`, { hint: FORMS })
        : new Complaint("syntax error: missing '}'");
    return this.#modified(name, operator, colon, start);
  }

  #modified(name: string, operator: string, colon: boolean, start: number): string {
    if (++this.#depth > DEEPEST) throw new Complaint(`substitutions are nested more than ${DEEPEST} deep`);
    const reference = this.#references.length;
    const value = this.#value(name, start, '-+?'.includes(operator));
    const set = value !== undefined && !(colon && value === '');
    const result = this.#apply(name, operator, value ?? '', set, colon);
    const made = this.#references[reference];
    if (made !== undefined) made.end = this.#at;
    this.#depth--;
    return result;
  }

  #apply(name: string, operator: string, value: string, set: boolean, colon: boolean): string {
    if (operator === '/') {
      const all = this.#next === '/';
      if (all) this.#at++;
      const pattern = this.#until('/', true);
      return replacePattern(value, pattern, this.#until('}', false), all);
    }
    if (operator === '#' || operator === '%') {
      const longest = this.#next === operator;
      if (longest) this.#at++;
      return removePattern(value, this.#until('}', true), operator === '#' ? 'front' : 'end', longest);
    }
    const word = this.#until('}', false);
    if (operator === '-') return set ? value : word;
    if (operator === '+') return set ? word : '';
    if (!set)
      throw new Complaint(`${name}: ${word || (colon ? 'not allowed to be empty' : 'not allowed to be unset')}`);
    return value;
  }
}
