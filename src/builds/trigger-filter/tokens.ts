import { Problem } from '../../lib/problem.ts';

export type Token =
  | { kind: 'name' | 'text' | 'sign'; text: string; at: number }
  | { kind: 'number'; text: string; value: number; at: number }
  | { kind: 'end'; text: string; at: number };

const SPACE = /\s+/y;
const NAME = /[A-Za-z_]\w*/y;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** `r'...'` is raw, as in the language; a text ends on its line. */
const TEXT = /(r?)("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/y;
const SIGN = /\|\||&&|==|!=|<=|>=|[!<>()[\].,?:-]/y;

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

/** @throws Problem `invalid` at the first character that means nothing */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const take = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  for (let at = 0; at < source.length; ) {
    const space = take(SPACE, at);
    const text = space === null ? take(TEXT, at) : null;
    const found = space ?? text ?? take(NAME, at) ?? take(NUMBER, at) ?? take(SIGN, at);
    if (found === null) throw filterProblem(source, at, `unexpected ${source[at]}`);
    const [whole] = found;
    if (text !== null) tokens.push({ kind: 'text', text: unquoted(text[2] ?? '', text[1] === 'r'), at });
    else if (/^\d/.test(whole)) tokens.push({ kind: 'number', text: whole, value: Number(whole), at });
    else if (space === null) tokens.push({ kind: /^\w/.test(whole) ? 'name' : 'sign', text: whole, at });
    at += whole.length;
  }
  tokens.push({ kind: 'end', text: 'the end', at: source.length });
  return tokens;
}

function unquoted(quoted: string, raw: boolean): string {
  const inner = quoted.slice(1, -1);
  return raw ? inner : inner.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}

export function filterProblem(source: string, at: number, what: string): Problem {
  return new Problem('invalid', `filter: ${what} at character ${at + 1} of ${source}`, {
    hint: 'A filter is an expression of CEL, for example _REF.matches("^refs/heads/main$") && body.size > 3. Served: == != < <= > >= in, && || ! ? :, lists, body.a["b"], matches, startsWith, endsWith, contains, size, has.',
  });
}
