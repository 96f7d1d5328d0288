import { Complaint } from './complaint.ts';

/** A pattern of `${v#p}`, `${v%p}` and `${v/p/r}`: characters, `*` for any run, `?` for any one. */
type Piece = { kind: 'character'; value: string } | { kind: 'any' } | { kind: 'run' };

function read(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '*') pieces.push({ kind: 'run' });
    else if (character === '?') pieces.push({ kind: 'any' });
    else if (character !== '\\') pieces.push({ kind: 'character', value: character });
    else {
      const escaped = characters[++at];
      if (escaped === undefined || !'*?\\/}'.includes(escaped))
        throw new Complaint(`invalid escape '\\${escaped ?? ''}' in the pattern ${JSON.stringify(pattern)}`);
      pieces.push({ kind: 'character', value: escaped });
    }
  }
  return pieces;
}

/**
 * Lengths of the text from `from` on that the whole pattern matches, shortest first. All states are followed at once, so
 * the time is the product of both lengths and no pattern can blow it up.
 */
function matchLengths(text: readonly string[], from: number, pieces: readonly Piece[]): number[] {
  const lengths: number[] = [];
  let states = reach(new Set([0]), pieces);
  for (let at = from; states.size > 0; at++) {
    if (states.has(pieces.length)) lengths.push(at - from);
    const character = text[at];
    if (character === undefined) break;
    const next = new Set<number>();
    for (const state of states) {
      const piece = pieces[state];
      if (piece === undefined) continue;
      if (piece.kind === 'run') next.add(state);
      else if (piece.kind === 'any' || piece.value === character) next.add(state + 1);
    }
    states = reach(next, pieces);
  }
  return lengths;
}

/** A run may be empty, so the state behind it is reached too. */
function reach(states: Set<number>, pieces: readonly Piece[]): Set<number> {
  for (const state of states) if (pieces[state]?.kind === 'run') states.add(state + 1);
  return states;
}

/** `${v#p}` and `${v%p}`, and their doubled forms. */
export function removePattern(value: string, pattern: string, side: 'front' | 'end', longest: boolean): string {
  const backwards = side === 'end';
  const pieces = backwards ? read(pattern).reverse() : read(pattern);
  const text = backwards ? [...value].reverse() : [...value];
  const lengths = matchLengths(text, 0, pieces);
  const length = (longest ? lengths.at(-1) : lengths[0]) ?? 0;
  const rest = text.slice(length);
  return (backwards ? rest.reverse() : rest).join('');
}

/**
 * `${v/p/r}`: the first match, `${v//p/r}`: all of them; always the longest. A pattern with a run matches once at the most:
 * from the first place where what stands before the run fits, as far as the rest fits, and nothing fits behind that.
 */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const pieces = read(pattern);
  const run = pieces.findIndex((piece) => piece.kind === 'run');
  const front = run < 0 ? pieces : pieces.slice(0, run);
  const text = [...value];
  const result: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (matchLengths(text, at, front).length > 0) {
      const length = matchLengths(text, at, pieces).at(-1) ?? 0;
      if (length > 0) {
        result.push(replacement);
        at += length;
      }
      if (run >= 0 || (length > 0 && !all)) break;
      if (length > 0) continue;
    }
    result.push(text[at++] ?? '');
  }
  return result.join('') + text.slice(at).join('');
}
