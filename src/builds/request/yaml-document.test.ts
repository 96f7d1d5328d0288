import { describe, expect, it } from 'vitest';
import { LineCounter } from 'yaml';
import { readYaml } from './yaml-document.ts';

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
const letters = [...'abcdefghij'];
const laughs = letters.map((letter, i) => `${letter}: &${letter} [${`*${letters[i - 1]},`.repeat(9)}]`).slice(1);

describe('readYaml', () => {
  it.each<[string, string, RegExp]>([
    ['a million brackets', '['.repeat(1_000_000), /nested more than 60/],
    ['maps in maps', '{a: '.repeat(100_000), /nested more than 60/],
    ['lists in lists', '- '.repeat(400_000), /nested more than 60/],
    ['a staircase', lines(1000, (i) => `${' '.repeat(i)}a:`), /nested more than 60/],
    ['a hundred thousand keys', lines(100_000, (i) => `k${i}: 1`), /longer than 20000 lines/],
    ['a hundred thousand words', `a: [${'x,'.repeat(100_000)}]`, /more than 60000/],
    ['a billion laughs', `a: &a [x,x]\n${laughs.join('\n')}`, /too many aliases/],
    ['a thousand merges', `a: &a {x: 1}\n${lines(1000, () => '<<: *a')}`, /more than 10 merges/],
    ['a thousand directives', `${'%FOO x\n'.repeat(1000)}---\na: 1\n`, /more than 10 directives/],
    ['a megabyte and more', `a: ${'x'.repeat(1 << 20)}`, /longer than/],
    ['NUL', 'a: "b\0"', /control character \(0x00\)/],
    ['an alias without anchor', 'a: [*b]', /alias/i],
    ['a map for a key', '? {a: b}\n: c\n', /no plain text/],
  ])('refuses %s at once', (_, text, message) => {
    const began = process.cpuUsage(); // time on the clock is others' too
    const result = readYaml(text, new LineCounter());
    const { user, system } = process.cpuUsage(began);
    expect('fault' in result && result.fault.message).toMatch(message);
    expect((user + system) / 1000).toBeLessThan(1000);
  });

  it('changes no prototype', () => {
    const text = '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}';
    expect(readYaml(text, new LineCounter())).toHaveProperty('value');
    expect({}).not.toHaveProperty('polluted');
  });
});
