import { describe, expect, it } from 'vitest';
import { passesFilter } from './evaluate-filter.ts';
import { parseFilter } from './parse-filter.ts';

const names = {
  _REF: 'refs/heads/main',
  _EMPTY: '',
  body: { size: 3, tags: ['a', 'b'], user: { name: 'ada', admin: true }, 'a-b': 'x', none: null },
};
const passes = (filter: string) => passesFilter(parseFilter(filter), names);

describe('a filter', () => {
  it.each<[string, boolean]>([
    ['_REF.matches("refs/heads/main")', true],
    ['_REF.matches("^main$")', false],
    ["_REF == 'refs/heads/main' && body.size > 2", true],
    ['_REF != "refs/heads/main" || body.user.admin', true],
    ['!(body.size >= 4) && !!body.user.admin', true],
    ['!body.user.admin', false],
    ['"b" in body.tags', true],
    ['body.user.name in ["ben", "cem"]', false],
    ['"name" in body.user', true],
    ['_REF.startsWith("refs/") && _REF.endsWith("main") && _REF.contains("heads")', true],
    ['size(body.tags) == 2 && body.user.name.size() == 3', true],
    ['body["a-b"] == "x" && body.tags[0] == "a"', true],
    ['has(body.user.name) && !has(body.user.mail)', true],
    ['body.none == null', true],
    ['body.size == 3 ? true : false', true],
    ['body.size > -1 && body.size < 3.5', true],
    ['_REF.matches(r"^refs/heads/\\w+$")', true],
    ['_EMPTY == "" && "it\\"s" == "it\\"s"', true],
    ['false && body.missing == 1', false],
    ['_REF == "||" || true', true],
  ])('%s is %s', (filter, result) => {
    expect(passes(filter)).toBe(result);
  });

  it.each<[string, RegExp]>([
    ['', /unexpected the end/],
    ['_REF =', /unexpected = at character 6/],
    ['_REF == "x', /unexpected "/],
    ['(_REF == "x"', /\) expected before the end/],
    ['_REF.foo("x")', /unknown function foo at character 6/],
    ['exists(_REF)', /unknown function exists/],
    ['_REF.matches(body.x)', /matches wants a text in quotes/],
    ['_REF.matches("(")', /missing closing/],
    ['_REF == "a" _REF', /unexpected _REF/],
    ['has(_REF)', /has wants a member/],
    [`${'('.repeat(200)}true${')'.repeat(200)}`, /nested too deeply/],
  ])('%s is refused in words', (filter, message) => {
    expect(() => parseFilter(filter)).toThrow(message);
  });

  it.each<[string, RegExp]>([
    ['body.missing == 1', /there is no missing/],
    ['_OTHER == "x"', /there is no _OTHER/],
    ['body.constructor == 1', /there is no constructor/],
    ['body.size == "3"', /a number compared with a text/],
    ['_REF', /a text where true or false is expected/],
    ['body.size.matches("3")', /matches of a number/],
    ['_REF < 3', /a text < a number/],
  ])('%s has no answer', (filter, message) => {
    expect(() => passes(filter)).toThrow(message);
  });

  it('takes time that grows with its text alone', () => {
    const hostile = { _A: `${'a'.repeat(50_000)}!` };
    const started = performance.now();
    expect(passesFilter(parseFilter('_A.matches("^(a+)+$")'), hostile)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
