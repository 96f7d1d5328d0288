import { type Glob, type GlobToken, globOf, matchesGlob } from '../../dockerfile/glob.ts';

/** A pattern of gcloud or gsutil; it is matched in time that no pattern can make grow beyond its length times the path's. */
export class Wildcard {
  readonly #globs: readonly Glob[];

  /** @param ways token lists, any of which may match */
  private constructor(ways: readonly (readonly GlobToken[])[]) {
    this.#globs = ways.map(globOf);
  }

  test(path: string): boolean {
    return this.#globs.some((glob) => matchesGlob(glob, path));
  }

  /** gsutil's: `*` and `?` stay within a name, `**` crosses folders anywhere, `[...]` is a set. */
  static gsutil(pattern: string): Wildcard {
    return new Wildcard([
      tokensOf(pattern, (at) => (pattern.startsWith('**', at) ? [[{ kind: 'all' }], 2] : undefined)),
    ]);
  }

  /**
   * .gcloudignore's, which is fnmatch by components: a pattern without a slash is meant at any depth, and `**` crosses
   * folders only where it is a whole component.
   */
  static gcloudignore(pattern: string): Wildcard {
    const rooted = pattern.includes('/');
    const text = pattern.replace(/^\//, '');
    // `x/**` is the folder itself too: nothing of x is left to be taken back in, and `!x/**` takes the folder back
    const whole = text.endsWith('/**') ? text.slice(0, -3) : undefined;
    const anywhere: GlobToken[] = rooted ? [] : [{ kind: 'maybe' }, { kind: 'folders' }];
    const tokens = [...anywhere, ...tokensOf(whole ?? text, (at) => crossing(whole ?? text, at))];
    if (whole === undefined) return new Wildcard([tokens]);
    return new Wildcard([tokens, [...tokens, { kind: 'character', value: '/' }, { kind: 'all' }]]);
  }
}

type Special = [tokens: GlobToken[], length: number] | undefined;

function crossing(text: string, at: number): Special {
  if (text.startsWith('**/', at) && (at === 0 || text[at - 1] === '/'))
    return [[{ kind: 'maybe' }, { kind: 'folders' }], 3];
  return text.slice(at) === '**' ? [[{ kind: 'all' }], 2] : undefined;
}

function tokensOf(text: string, special: (at: number) => Special): GlobToken[] {
  const tokens: GlobToken[] = [];
  for (let at = 0; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const [found, length] = special(at) ?? setAt(text, at) ?? [[plain(character)], character.length];
    tokens.push(...found);
    at += length;
  }
  return tokens;
}

function plain(character: string): GlobToken {
  if (character === '*') return { kind: 'run' };
  if (character === '?') return { kind: 'one' };
  return { kind: 'character', value: character };
}

const SLASH = 47;

/** `[abc]`, `[a-z]`, `[!abc]`; a slash is in none of them, and a bracket that is never closed is a bracket. */
function setAt(text: string, at: number): Special {
  if (text[at] !== '[') return undefined;
  const negated = text[at + 1] === '!';
  const from = at + (negated ? 2 : 1);
  const end = text.indexOf(']', from + 1);
  if (end < 0) return undefined;
  const ranges: [number, number][] = negated ? [[SLASH, SLASH]] : [];
  const characters = [...text.slice(from, end)].map((each) => each.codePointAt(0) ?? 0);
  for (let i = 0; i < characters.length; i++) {
    const low = characters[i] ?? 0;
    const isRange = characters[i + 1] === 45 && i + 2 < characters.length;
    const high = isRange ? (characters[i + 2] ?? low) : low;
    if (isRange) i += 2;
    if (negated || high < SLASH || low > SLASH) ranges.push([low, high]);
    else ranges.push([low, SLASH - 1], [SLASH + 1, high]);
  }
  return [[{ kind: 'class', negated, ranges }], end - at + 1];
}
