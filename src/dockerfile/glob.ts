/**
 * The pieces of Go's glob patterns. All ways through a pattern are followed at once, so matching takes the product of the
 * lengths of pattern and path at the most, and no pattern can make it slow.
 */
export type GlobToken =
  | { kind: 'character'; value: string }
  /** `?`: one character, no slash. */
  | { kind: 'one' }
  /** `*`: any run without a slash. */
  | { kind: 'run' }
  /** `[a-z]`, `[^a-z]`. */
  | { kind: 'class'; negated: boolean; ranges: [low: number, high: number][] }
  /** Everything, slashes included. */
  | { kind: 'all' }
  /** Nothing, or whole folders with their slash: always followed by `folders`. */
  | { kind: 'maybe' }
  | { kind: 'folders' };

export interface Glob {
  tokens: readonly GlobToken[];
  /** Plain text that every match begins and ends with: most paths are told apart by these alone. */
  prefix: string;
  suffix: string;
  /** For a double star, a slash and a pattern without slashes: that pattern, which the last name alone decides. */
  name?: Glob;
}

export interface GlobOptions {
  /** Whether `**` means any depth, as in ignore files; else it is `*` twice. */
  deep: boolean;
}

/** @throws RangeError when the pattern is malformed, as Go's ErrBadPattern */
export function parseGlob(pattern: string, options: GlobOptions): Glob {
  const tokens = parseTokens(pattern, options);
  const [first, second, ...rest] = tokens;
  const glob = globOf(tokens);
  if (first?.kind !== 'maybe' || second?.kind !== 'folders' || !rest.every(staysInName)) return glob;
  return { ...glob, name: globOf(rest) };
}

/** For other wildcard languages that have these pieces. */
export function globOf(tokens: readonly GlobToken[]): Glob {
  return { tokens, prefix: literal(tokens), suffix: [...literal([...tokens].reverse())].reverse().join('') };
}

/** A class may take a slash, as in Go. */
function staysInName(token: GlobToken): boolean {
  return token.kind === 'run' || token.kind === 'one' || (token.kind === 'character' && token.value !== '/');
}

/** The plain characters at the front. */
function literal(tokens: readonly GlobToken[]): string {
  const end = tokens.findIndex((token) => token.kind !== 'character');
  return tokens
    .slice(0, end < 0 ? undefined : end)
    .map((token) => (token.kind === 'character' ? token.value : ''))
    .join('');
}

function parseTokens(pattern: string, { deep }: GlobOptions): GlobToken[] {
  const characters = [...pattern];
  const tokens: GlobToken[] = [];
  for (let at = 0; at < characters.length; ) {
    const character = characters[at] ?? '';
    if (character === '*' && deep && characters[at + 1] === '*') {
      const slash = characters[at + 2] === '/';
      at += slash ? 3 : 2;
      if (at >= characters.length) tokens.push({ kind: 'all' });
      else tokens.push({ kind: 'maybe' }, { kind: 'folders' });
      continue;
    }
    if (character === '[') {
      const [token, next] = parseClass(characters, at + 1, pattern);
      tokens.push(token);
      at = next;
    } else if (character === '\\') {
      const escaped = characters[at + 1];
      if (escaped === undefined) throw badPattern(pattern);
      tokens.push({ kind: 'character', value: escaped });
      at += 2;
    } else {
      if (character === '*') tokens.push({ kind: 'run' });
      else if (character === '?') tokens.push({ kind: 'one' });
      else tokens.push({ kind: 'character', value: character });
      at++;
    }
  }
  // In ignore files `**name` without any other wildcard is every path that ends so, `myname` too.
  if (deep && /^\*\*[^/*?[\]\\][^*?[\]\\]*$/.test(pattern)) return [{ kind: 'all' }, ...tokens.slice(2)];
  return tokens;
}

function badPattern(pattern: string): RangeError {
  return new RangeError(`syntax error in pattern: ${JSON.stringify(pattern)}`);
}

function parseClass(characters: readonly string[], from: number, pattern: string): [GlobToken, next: number] {
  let at = from;
  const negated = characters[at] === '^';
  if (negated) at++;
  const ranges: [number, number][] = [];
  const bound = (): number => {
    if (characters[at] === '-' || characters[at] === ']') throw badPattern(pattern);
    if (characters[at] === '\\') at++;
    const code = characters[at++]?.codePointAt(0);
    if (code === undefined || at >= characters.length) throw badPattern(pattern);
    return code;
  };
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = bound();
    let high = low;
    if (characters[at] === '-') {
      at++;
      high = bound();
    }
    ranges.push([low, high]);
  }
  return [{ kind: 'class', negated, ranges }, at + 1];
}

/** Whether the whole text matches. */
export function matchesGlob({ tokens, prefix, suffix, name }: Glob, text: string): boolean {
  if (name !== undefined) return matchesGlob(name, text.slice(text.lastIndexOf('/') + 1));
  if (!text.startsWith(prefix) || !text.endsWith(suffix)) return false;
  return follow(tokens, text).has(tokens.length);
}

/** Whether some longer text that begins with this one could match. */
export function mayMatchBelow({ tokens }: Glob, prefix: string): boolean {
  for (const state of follow(tokens, prefix)) if (state < tokens.length) return true;
  return false;
}

/** The places in the pattern that can be reached by reading the text. */
function follow(tokens: readonly GlobToken[], text: string): Set<number> {
  let states = withEmpty(tokens, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined || token.kind === 'maybe') continue;
      if (token.kind === 'all' || token.kind === 'folders') next.add(state);
      if (
        token.kind === 'folders'
          ? character === '/'
          : token.kind !== 'all' && token.kind !== 'run' && takes(token, character)
      )
        next.add(state + 1);
      if (token.kind === 'run' && character !== '/') next.add(state);
    }
    if (next.size === 0) return next;
    states = withEmpty(tokens, next);
  }
  return states;
}

/** Adds what is reached without reading anything; a set is walked in the order of insertion, additions included. */
function withEmpty(tokens: readonly GlobToken[], states: Set<number>): Set<number> {
  for (const state of states) {
    const kind = tokens[state]?.kind;
    if (kind === 'run' || kind === 'all') states.add(state + 1);
    else if (kind === 'maybe') states.add(state + 1).add(state + 2);
  }
  return states;
}

function takes(token: GlobToken, character: string): boolean {
  if (token.kind === 'character') return token.value === character;
  if (token.kind === 'one') return character !== '/';
  if (token.kind !== 'class') return false;
  const code = character.codePointAt(0) ?? 0;
  return token.ranges.some(([low, high]) => code >= low && code <= high) !== token.negated;
}
