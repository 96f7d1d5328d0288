import { BadForm } from './bad-form.ts';
import { compilePattern, matchEnds, type Work } from './bash-pattern.ts';

/** Longest text that forms may make: a value has 4000 characters at most, and nested forms must not multiply it. */
const MAX_TEXT = 65_536;
/** Deepest nesting of forms. */
const MAX_DEPTH = 100;
/** Characters made and steps of patterns for all the values of a request: some tenths of a second. */
const MAX_WORK = 1_000_000;

/** What a name stands for, or undefined when it has no value. */
export type LookUp = (name: string) => string | undefined;

const NAME = /^[A-Z_][A-Z0-9_]*/;
const BARE = /[A-Z_][A-Z0-9_]*/y;

/**
 * Expands `$NAME` and bash's parameter expansions in values of substitutions, nested ones too: `${A:-d}` `${A-d}`
 * `${A:=d}` `${A:+d}` `${A:?text}`, `${#A}`, `${A:from:length}`, `${A#p}` `${A##p}` `${A%p}` `${A%%p}`, `${A/p/r}`
 * `${A//p/r}` `${A/#p/r}` `${A/%p/r}`, `${A^}` `${A^^}` `${A,}` `${A,,}`. `$$` is a dollar; `$(body.x)`, `$1`, `$lower`
 * are left as they are. Semantics: bash's manual, Shell Parameter Expansion. One for each request, for its work is
 * limited as a whole.
 */
export class BashForms {
  readonly #lookUp: LookUp;
  readonly #work: Work = { left: MAX_WORK };
  #depth = 0;

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp;
  }

  /** @throws BadForm */
  expand(text: string): string {
    if (++this.#depth > MAX_DEPTH) throw new BadForm(`substitutions are nested more than ${MAX_DEPTH} levels deep`);
    try {
      return this.#expand(text);
    } finally {
      this.#depth--;
    }
  }

  #expand(text: string): string {
    let out = '';
    for (let at = 0; at < text.length; ) {
      const dollar = text.indexOf('$', at);
      if (dollar < 0) return this.#bounded(out + text.slice(at));
      out = this.#bounded(out + text.slice(at, dollar));
      BARE.lastIndex = dollar + 1;
      const bare = BARE.exec(text)?.[0];
      if (bare !== undefined) {
        out += this.#lookUp(bare) ?? '';
        at = dollar + 1 + bare.length;
      } else if (text[dollar + 1] === '{') {
        const end = closingBrace(text, dollar + 1);
        if (end < 0) return this.#bounded(out + text.slice(dollar));
        out += this.#braced(text.slice(dollar + 2, end));
        at = end + 1;
      } else {
        out += '$';
        at = dollar + (text[dollar + 1] === '$' ? 2 : 1);
      }
    }
    return this.#bounded(out);
  }

  #bounded(text: string): string {
    if (text.length > MAX_TEXT) throw new BadForm(`the value grows beyond ${MAX_TEXT} characters`);
    return text;
  }

  #braced(inner: string): string {
    this.#work.left -= inner.length + 1;
    if (this.#work.left < 0) throw new BadForm('these substitutions take too long to expand');
    const whole = `\${${inner}}`;
    const counted = /^#([A-Z_][A-Z0-9_]*)$/.exec(inner)?.[1];
    if (counted !== undefined) return String([...(this.#lookUp(counted) ?? '')].length);
    const name = NAME.exec(inner)?.[0];
    if (name === undefined) {
      // `${lower}` and the like name no substitution: they are text, as in every other field
      if (/^[a-z0-9]/.test(inner)) return whole;
      throw new BadForm('bad substitution', `${whole} is no form of bash.`);
    }
    const form = inner.slice(name.length);
    const word = (from: number) => this.expand(form.slice(from));
    if (form === '') return this.#lookUp(name) ?? '';
    const conditional = /^:?[-=+?]/.exec(form)?.[0];
    if (conditional !== undefined) return choose(name, conditional, this.#lookUp(name), () => word(conditional.length));
    const value = this.#lookUp(name) ?? '';
    if (form.startsWith(':')) return slice(value, word(1), whole);
    const removal = /^(?:##?|%%?)/.exec(form)?.[0];
    if (removal !== undefined) return this.#remove(value, removal, word(removal.length));
    if (form.startsWith('/')) return this.#replace(value, form);
    const caseForm = /^(?:\^\^?|,,?)/.exec(form)?.[0];
    if (caseForm !== undefined) return this.#changeCase(value, caseForm, word(caseForm.length));
    throw new BadForm('bad substitution', `${whole} is no form of bash.`);
  }

  #remove(value: string, form: string, pattern: string): string {
    const backwards = form.startsWith('%');
    const characters = backwards ? [...value].reverse() : [...value];
    const ends = matchEnds(characters, 0, compilePattern(pattern, backwards), this.#work);
    const length = (form.length === 2 ? ends.at(-1) : ends[0]) ?? 0;
    const rest = characters.slice(length);
    return (backwards ? rest.reverse() : rest).join('');
  }

  /** `/p/r` the first match, `//p/r` all, `/#p/r` at the beginning, `/%p/r` at the end; always the longest. */
  #replace(value: string, form: string): string {
    const mode = /^\/[/#%]/.exec(form)?.[0] ?? '/';
    const body = form.slice(mode.length);
    const cut = separator(body);
    const pattern = this.expand(cut < 0 ? body : body.slice(0, cut));
    // as on the hosted service, several slashes end a pattern like one, if anything is left to put in its place
    const behind = cut < 0 ? '' : body.slice(cut + 1);
    const replacement = this.expand(behind.replace(/^\/+(?=[^/])/, ''));
    if (pattern === '') return value;
    const characters = mode === '/%' ? [...value].reverse() : [...value];
    const compiled = compilePattern(pattern, mode === '/%');
    if (mode !== '//' && mode !== '/') {
      const end = matchEnds(characters, 0, compiled, this.#work).at(-1);
      if (end === undefined) return value;
      const rest = characters.slice(end);
      return mode === '/%' ? rest.reverse().join('') + replacement : replacement + rest.join('');
    }
    let out = '';
    for (let at = 0; at < characters.length; ) {
      const end = matchEnds(characters, at, compiled, this.#work).at(-1) ?? at;
      if (end === at) out += characters[at++];
      else {
        out = this.#bounded(out + replacement);
        at = end;
        if (mode === '/') return out + characters.slice(at).join('');
      }
    }
    return out;
  }

  /** The pattern, if any, says which characters are meant. */
  #changeCase(value: string, form: string, pattern: string): string {
    const compiled = pattern === '' ? undefined : compilePattern(pattern, false);
    const change = (character: string) => {
      if (compiled !== undefined && !matchEnds([character], 0, compiled, this.#work).includes(1)) return character;
      return form.startsWith('^') ? character.toUpperCase() : character.toLowerCase();
    };
    const [first = '', ...rest] = value;
    return form.length === 2 ? [...value].map(change).join('') : change(first) + rest.join('');
  }
}

/** With a colon, empty counts as unset. */
function choose(name: string, form: string, value: string | undefined, word: () => string): string {
  const colon = form.startsWith(':');
  const there = value !== undefined && !(colon && value === '');
  if (form.endsWith('+')) return there ? word() : '';
  if (there) return value;
  if (form.endsWith('?')) throw new BadForm(`${name}: ${word() || 'parameter null or not set'}`);
  return word();
}

/** `:from` and `:from:length`; a negative number counts from the end, and needs a space before it, as in bash. */
function slice(value: string, range: string, whole: string): string {
  const parts = range.split(':').map((part) => part.trim());
  const [from = '', length] = parts;
  if (parts.length > 2 || !parts.every((part) => /^-?\d{0,9}$/.test(part)))
    throw new BadForm(`${whole}: ${JSON.stringify(range)} is no range; write from:length in numbers`);
  const characters = [...value];
  const start = Number(from) < 0 ? characters.length + Number(from) : Number(from);
  if (start < 0 || start > characters.length) return '';
  if (length === undefined) return characters.slice(start).join('');
  const end = Number(length) < 0 ? characters.length + Number(length) : start + Number(length);
  if (end < start) throw new BadForm(`${whole}: the range ends before it begins`);
  return characters.slice(start, end).join('');
}

/** The slash between pattern and replacement: not escaped, and in no nested form. */
function separator(body: string): number {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const character = body[at];
    if (character === '\\') at++;
    else if (character === '$' && body[at + 1] === '{') depth++;
    else if (character === '}' && depth > 0) depth--;
    else if (character === '/' && depth === 0) return at;
  }
  return -1;
}

/** Position of the brace that closes the one at `open`, or -1. Plain braces count too, as in bash's nested forms. */
function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '{' && (at === open || text[at - 1] === '$')) depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}
