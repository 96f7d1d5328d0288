import { describe, expect, it } from 'vitest';
import { BashForms } from './bash-forms.ts';

const VALUES = new Map([
  ['_A', 'Hello World'],
  ['_P', 'refs/heads/feature/a_b'],
  ['_F', 'src/app.test.ts'],
  ['_E', ''],
  ['SHORT_SHA', 'abc1234'],
  ['_U', 'zażółć'],
]);

function expand(text: string): string {
  return new BashForms((name) => VALUES.get(name)).expand(text);
}

describe('BashForms', () => {
  // what bash 5.2 prints for the same variables
  it.each([
    ['$_A-${_E}.', 'Hello World-.'],
    ['$$_A $(body.x) $1 $x ${x} $', '$_A $(body.x) $1 $x ${x} $'],
    ['${_E:-d}${_E-d}${_X-d}${_X:-d}', 'ddd'],
    ['${_A:+y}${_E:+y}${_E+y}${_X+y}', 'yy'],
    ['${_X:=d}${_X=d}', 'dd'],
    ['${_X:-${_E:-${SHORT_SHA}}}', 'abc1234'],
    ['${_X:-{a}}', '{a}'],
    ['${#_A} ${#_X} ${#_U}', '11 0 6'],
    [
      '${SHORT_SHA:0:3} ${SHORT_SHA:3} ${SHORT_SHA: -2} ${SHORT_SHA:1:-1} ${SHORT_SHA:9} ${SHORT_SHA::2}',
      'abc 1234 34 bc123  ab',
    ],
    ['${_P#refs/heads/}', 'feature/a_b'],
    ['${_P##*/}', 'a_b'],
    ['${_P#*/}', 'heads/feature/a_b'],
    ['${_F%.*} ${_F%%.*} ${_F%nothing}', 'src/app.test src/app src/app.test.ts'],
    ['${_P//\\//-}', 'refs-heads-feature-a_b'],
    ['${_P/\\//-}', 'refs-heads/feature/a_b'],
    ['${_P//[^a-z]/-}', 'refs-heads-feature-a-b'],
    ['${_P//[_[:space:]]/}', 'refs/heads/feature/ab'],
    ['${_P/#refs/x} ${_P/%b/c} ${_P/#b/c}', 'x/heads/feature/a_b refs/heads/feature/a_c refs/heads/feature/a_b'],
    ['${_A/o*o/0}', 'Hell0rld'],
    ['${_A//l} ${_A//l//L} ${_P//\\//_}', 'Heo Word HeLLo WorLd refs_heads_feature_a_b'],
    ['${_A/World/${SHORT_SHA}}', 'Hello abc1234'],
    ['${_A^^} ${_A,,} ${_A,} ${SHORT_SHA^} ${_A^^[lo]}', 'HELLO WORLD hello world hello World Abc1234 HeLLO WOrLd'],
    ['${_A', '${_A'],
  ])('%s', (text, expected) => {
    expect(expand(text)).toBe(expected);
  });

  it.each(['${_A!}', '${!_A}', '${_A:x:y}', '${_A:3:-9}', '${_X:?}'])('refuses %s', (text) => {
    expect(() => expand(text)).toThrow();
  });

  it('is quick about patterns that are made to be slow', () => {
    const values = new Map([['_A', 'a'.repeat(4000)]]);
    const slow = `\${_A//${'a*'.repeat(500)}b/x}`;
    const began = process.cpuUsage();
    expect(() => new BashForms((name) => values.get(name)).expand(slow.repeat(3))).toThrow('too long');
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
  });
});
