import { describe, expect, it } from 'vitest';
import { LineCounter } from 'yaml';
import { readYaml } from './yaml-document.ts';

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
const letters = [...'abcdefghij'];

describe('readYaml', () => {
  it.each<[string, string, RegExp]>([
    ['a million brackets', '['.repeat(1_000_000), /nested more than 60/],
    ['maps in maps', '{a: '.repeat(100_000), /nested more than 60/],
    ['lists in lists', '- '.repeat(400_000), /nested more than 60/],
    ['a staircase', lines(1000, (i) => `${' '.repeat(i)}a:`), /nested more than 60/],
    ['a hundred thousand keys', lines(100_000, (i) => `k${i}: 1`), /more than 100000/],
    [
      'a thousand laughs',
      `a: &a [x,x]\n${letters
        .slice(1)
        .map((c, i) => `${c}: &${c} [${`*${letters[i]},`.repeat(9)}]`)
        .join('\n')}`,
      /too many aliases/,
    ],
    ['a thousand merges', `a: &a {x: 1}\n${lines(1000, () => '<<: *a')}`, /more than 10 merges/],
    ['a thousand directives', `${'%FOO x\n'.repeat(1000)}---\na: 1\n`, /more than 10 directives/],
    ['a megabyte and more', `a: ${'x'.repeat(1 << 20)}`, /longer than/],
    ['NUL', 'a: "b\0"', /control character \(0x00\)/],
    ['an alias within its anchor', 'a: &a [*b]', /alias/i],
    ['a map for a key', '? {a: b}\n: c\n', /no plain text/],
  ])('refuses %s at once', (_, text, message) => {
    let quickest = Number.POSITIVE_INFINITY; // of two, for others use the machine too
    for (let round = 0; round < 2; round++) {
      const began = performance.now();
      const result = readYaml(text, new LineCounter());
      quickest = Math.min(quickest, performance.now() - began);
      expect('fault' in result && result.fault.message).toMatch(message);
    }
    expect(quickest).toBeLessThan(1000);
  });

  it('changes no prototype', () => {
    const result = readYaml(
      '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
      new LineCounter(),
    );
    expect(result).toHaveProperty('value');
    expect({}).not.toHaveProperty('polluted');
  });
});
