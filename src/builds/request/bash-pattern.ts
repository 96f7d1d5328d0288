import { BadForm } from './bad-form.ts';

type Piece = { kind: 'one'; test: (character: string) => boolean } | { kind: 'run' };

/** A pattern of bash, ready to be matched; pieces stand in reverse for a match from the end. */
export type Pattern = readonly Piece[];

/** How much may still be done: no pattern and no request can make it long. */
export interface Work {
  left: number;
}

/** `*` any run, `?` any character, `[a-z]`, `[!x]`, `[[:digit:]]` sets, a backslash before what is meant literally. */
export function compilePattern(text: string, backwards: boolean): Pattern {
  const pieces: Piece[] = [];
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    const end = character === '[' ? setEnd(characters, at) : -1;
    if (character === '*') pieces.push({ kind: 'run' });
    else if (character === '?') pieces.push({ kind: 'one', test: () => true });
    else if (end > 0) {
      pieces.push({ kind: 'one', test: setTest(characters.slice(at + 1, end)) });
      at = end;
    } else {
      const literal = character === '\\' && at + 1 < characters.length ? characters[++at] : character;
      pieces.push({ kind: 'one', test: (other) => other === literal });
    }
  }
  return backwards ? pieces.reverse() : pieces;
}

/** Position of the bracket that ends a set, or -1: then the opening one is a plain character. */
function setEnd(characters: string[], open: number): number {
  let at = open + 1;
  if (characters[at] === '!' || characters[at] === '^') at++;
  if (characters[at] === ']') at++;
  for (; at < characters.length; at++) {
    if (characters[at] === '[' && characters[at + 1] === ':') {
      const close = characters.indexOf(']', at + 2);
      if (close > 0 && characters[close - 1] === ':') at = close;
    } else if (characters[at] === ']') return at;
  }
  return -1;
}

const CLASSES: Record<string, RegExp> = {
  alpha: /^\p{L}$/u,
  digit: /^\d$/,
  alnum: /^[\p{L}\d]$/u,
  upper: /^\p{Lu}$/u,
  lower: /^\p{Ll}$/u,
  space: /^\s$/,
  punct: /^[!-/:-@[-`{-~]$/,
  xdigit: /^[\da-fA-F]$/,
};

function setTest(inside: string[]): (character: string) => boolean {
  const negated = inside[0] === '!' || inside[0] === '^';
  const members: ((character: string) => boolean)[] = [];
  for (let at = negated ? 1 : 0; at < inside.length; at++) {
    const named = inside[at] === '[' ? /^\[:(\w+):\]/.exec(inside.slice(at).join('')) : null;
    const from = inside[at] ?? '';
    const to = inside[at + 2];
    const known = CLASSES[named?.[1] ?? ''];
    if (named !== null && known !== undefined) {
      members.push((character) => known.test(character));
      at += named[0].length - 1;
    } else if (inside[at + 1] === '-' && to !== undefined) {
      members.push((character) => character >= from && character <= to);
      at += 2;
    } else members.push((character) => character === from);
  }
  return (character) => members.some((member) => member(character)) !== negated;
}

/**
 * Where matches of the whole pattern end that begin at `from`, nearest first. All states are followed at once, so the time
 * is the product of both lengths.
 * @throws BadForm when the work is used up
 */
export function matchEnds(text: readonly string[], from: number, pattern: Pattern, work: Work): number[] {
  const ends: number[] = [];
  let states = reach(new Set([0]), pattern);
  for (let at = from; states.size > 0; at++) {
    if (states.has(pattern.length)) ends.push(at);
    const character = text[at];
    if (character === undefined) break;
    work.left -= states.size;
    if (work.left < 0) throw new BadForm('the patterns of these substitutions take too long to match');
    const next = new Set<number>();
    for (const state of states) {
      const piece = pattern[state];
      if (piece === undefined) continue;
      if (piece.kind === 'run') next.add(state);
      else if (piece.test(character)) next.add(state + 1);
    }
    states = reach(next, pattern);
  }
  return ends;
}

/** A run may be empty, so the state behind it is reached too. */
function reach(states: Set<number>, pattern: Pattern): Set<number> {
  for (const state of states) if (pattern[state]?.kind === 'run') states.add(state + 1);
  return states;
}
