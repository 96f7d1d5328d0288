import { type UserRegex, userRegex } from '../triggers/user-regex.ts';
import { filterProblem, type Token, tokensOf } from './tokens.ts';

/** A filter as a tree (the Common Expression Language, in part: docs/triggers.md). */
export type Expression =
  | { kind: 'value'; value: string | number | boolean | null }
  | { kind: 'name'; name: string }
  | { kind: 'list'; items: Expression[] }
  | { kind: 'member'; of: Expression; key: Expression }
  | { kind: 'has'; of: Expression; key: Expression }
  | { kind: 'not'; of: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'compare'; operator: Comparison; left: Expression; right: Expression }
  | { kind: 'choose'; when: Expression; yes: Expression; no: Expression }
  | { kind: 'size'; of: Expression }
  | { kind: 'matches'; of: Expression; pattern: UserRegex }
  | { kind: 'test'; test: TextTest; of: Expression; argument: Expression };

const COMPARISONS = ['==', '!=', '<=', '>=', '<', '>', 'in'] as const;
const TESTS = ['startsWith', 'endsWith', 'contains'] as const;
type Comparison = (typeof COMPARISONS)[number];
type TextTest = (typeof TESTS)[number];

const CONSTANTS: Record<string, boolean | null> = { true: true, false: false, null: null };
/** Deeper nesting would only use up the stack. */
const MAX_DEPTH = 50;

/** @throws Problem `invalid` with the place of the first mistake */
export function parseFilter(source: string): Expression {
  const parser = new FilterParser(source);
  return parser.whole();
}

class FilterParser {
  readonly #source: string;
  readonly #tokens: Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokensOf(source);
  }

  whole(): Expression {
    const expression = this.#expression();
    if (this.#peek().kind !== 'end') throw this.#unexpected();
    return expression;
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw filterProblem(this.#source, this.#peek().at, 'nested too deeply');
    const when = this.#chain('or');
    let result = when;
    if (this.#skip('?')) {
      const yes = this.#chain('or');
      this.#expect(':');
      result = { kind: 'choose', when, yes, no: this.#expression() };
    }
    this.#depth--;
    return result;
  }

  #chain(kind: 'or' | 'and'): Expression {
    const part = () => (kind === 'or' ? this.#chain('and') : this.#comparison());
    let left = part();
    while (this.#skip(kind === 'or' ? '||' : '&&')) left = { kind, left, right: part() };
    return left;
  }

  #comparison(): Expression {
    const left = this.#unary();
    const token = this.#peek();
    const operator = COMPARISONS.find((each) => each === token.text);
    if (operator === undefined || token.kind === 'text') return left;
    this.#next++;
    return { kind: 'compare', operator, left, right: this.#unary() };
  }

  #unary(): Expression {
    let negations = 0;
    while (this.#skip('!')) negations++;
    if (negations === 0 && this.#skip('-')) {
      const token = this.#take();
      if (token.kind !== 'number') throw this.#unexpected(token);
      return { kind: 'value', value: -token.value };
    }
    const of = this.#postfix();
    if (negations === 0) return of;
    return negations % 2 === 1 ? { kind: 'not', of } : { kind: 'not', of: { kind: 'not', of } };
  }

  #postfix(): Expression {
    let of = this.#primary();
    for (;;) {
      if (this.#skip('[')) {
        of = { kind: 'member', of, key: this.#expression() };
        this.#expect(']');
      } else if (this.#skip('.')) {
        const name = this.#take();
        if (name.kind !== 'name') throw this.#unexpected(name);
        of = this.#skip('(')
          ? this.#method(of, name)
          : { kind: 'member', of, key: { kind: 'value', value: name.text } };
      } else return of;
    }
  }

  #method(of: Expression, name: Token): Expression {
    if (name.text === 'size') {
      this.#expect(')');
      return { kind: 'size', of };
    }
    if (name.text === 'matches') {
      const pattern = this.#take();
      // a pattern that is only known later could not be refused when the trigger is made
      if (pattern.kind !== 'text')
        throw filterProblem(this.#source, pattern.at, 'matches wants a text in quotes, not this');
      this.#expect(')');
      return { kind: 'matches', of, pattern: userRegex(pattern.text, 'filter: matches') };
    }
    const test = TESTS.find((each) => each === name.text);
    if (test === undefined) throw filterProblem(this.#source, name.at, `unknown function ${name.text}`);
    const argument = this.#expression();
    this.#expect(')');
    return { kind: 'test', test, of, argument };
  }

  #primary(): Expression {
    const token = this.#take();
    if (token.kind === 'text') return { kind: 'value', value: token.text };
    if (token.kind === 'number') return { kind: 'value', value: token.value };
    if (token.kind === 'name') return this.#named(token);
    if (token.text === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (token.text !== '[') throw this.#unexpected(token);
    const items: Expression[] = [];
    while (!this.#skip(']')) {
      if (items.length > 0) this.#expect(',');
      items.push(this.#expression());
    }
    return { kind: 'list', items };
  }

  #named(token: Token): Expression {
    const { text } = token;
    if (Object.hasOwn(CONSTANTS, text)) return { kind: 'value', value: CONSTANTS[text] ?? null };
    if (!this.#skip('(')) return { kind: 'name', name: text };
    if (text !== 'size' && text !== 'has') throw filterProblem(this.#source, token.at, `unknown function ${text}`);
    const of = this.#expression();
    this.#expect(')');
    if (text === 'size') return { kind: 'size', of };
    if (of.kind !== 'member') throw filterProblem(this.#source, token.at, 'has wants a member, as in has(body.ref),');
    return { ...of, kind: 'has' };
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: 'the end', at: this.#source.length };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #skip(sign: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== 'sign' || text !== sign) return false;
    this.#next++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#skip(sign))
      throw filterProblem(this.#source, this.#peek().at, `${sign} expected before ${this.#peek().text}`);
  }

  #unexpected(token = this.#peek()): Error {
    return filterProblem(this.#source, token.at, `unexpected ${token.text}`);
  }
}
