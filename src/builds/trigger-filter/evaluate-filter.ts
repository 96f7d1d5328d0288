import { Problem } from '../../lib/problem.ts';
import type { Expression } from './parse-filter.ts';

/**
 * Whether a filter lets a delivery through.
 * @param names substitutions by name, and the parts of the payload
 * @throws Problem `invalid` when it has no answer: a name that isn't there, a number compared with a text
 */
export function passesFilter(filter: Expression, names: Readonly<Record<string, unknown>>): boolean {
  return truth(evaluate(filter, names));
}

type Names = Readonly<Record<string, unknown>>;

function evaluate(expression: Expression, names: Names): unknown {
  const value = (inner: Expression) => evaluate(inner, names);
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'name':
      return own(names, expression.name);
    case 'list':
      return expression.items.map(value);
    case 'member':
      return own(value(expression.of), value(expression.key));
    case 'has': {
      const of = value(expression.of);
      return typeof of === 'object' && of !== null && Object.hasOwn(of, String(value(expression.key)));
    }
    case 'not':
      return !truth(value(expression.of));
    case 'and':
      return truth(value(expression.left)) && truth(value(expression.right));
    case 'or':
      return truth(value(expression.left)) || truth(value(expression.right));
    case 'choose':
      return value(truth(value(expression.when)) ? expression.yes : expression.no);
    case 'compare':
      return compare(expression.operator, value(expression.left), value(expression.right));
    case 'size':
      return sizeOf(value(expression.of));
    case 'matches':
      return expression.pattern.finds(text(value(expression.of), 'matches'));
    case 'test': {
      const of = text(value(expression.of), expression.test);
      const argument = text(value(expression.argument), expression.test);
      if (expression.test === 'contains') return of.includes(argument);
      return expression.test === 'startsWith' ? of.startsWith(argument) : of.endsWith(argument);
    }
  }
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === '==') return same(left, right);
  if (operator === '!=') return !same(left, right);
  if (operator === 'in') {
    if (Array.isArray(right)) return right.some((item) => same(item, left));
    if (typeof right === 'object' && right !== null) return Object.hasOwn(right, String(left));
    throw unanswered(`${typeOf(right)} after in, where a list is expected`);
  }
  const ordered = typeof left === typeof right && (typeof left === 'number' || typeof left === 'string');
  if (!ordered) throw unanswered(`${typeOf(left)} ${operator} ${typeOf(right)}`);
  const [a, b] = [left as number, right as number];
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

function same(left: unknown, right: unknown): boolean {
  if (left !== null && right !== null && typeof left !== typeof right)
    throw unanswered(`${typeOf(left)} compared with ${typeOf(right)}`);
  return typeof left === 'object' ? JSON.stringify(left) === JSON.stringify(right) : left === right;
}

function own(of: unknown, key: unknown): unknown {
  if (typeof of === 'object' && of !== null && Object.hasOwn(of, String(key)))
    return (of as Record<string, unknown>)[String(key)];
  throw unanswered(`there is no ${String(key)}`);
}

function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw unanswered(`${typeOf(value)} where true or false is expected`);
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw unanswered(`${what} of ${typeOf(value)}`);
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw unanswered(`size of ${typeOf(value)}`);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object'
    ? 'a map'
    : ({ string: 'a text', number: 'a number', boolean: 'a truth' }[typeof value as string] ?? 'nothing');
}

function unanswered(what: string): Problem {
  return new Problem('invalid', `the filter has no answer: ${what}`, {
    hint: 'has(body.x) says whether a member is there.',
  });
}
