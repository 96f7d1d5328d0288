import { expect, it } from 'vitest';
import { parseSubstitutions } from './substitutions.ts';

it.each<[text: string, expected: Record<string, string>]>([
  ['', {}],
  ['_A=1', { _A: '1' }],
  ['_A=1,_B=x=y', { _A: '1', _B: 'x=y' }],
  ['_A=', { _A: '' }],
  ['^;^_A=1,2;_B=3', { _A: '1,2', _B: '3' }],
  ['^::^_A=1:2::_B=3', { _A: '1:2', _B: '3' }],
])('reads %j', (text, expected) => {
  expect(parseSubstitutions(text)).toEqual(expected);
});

it.each(['_A', '=1', '_A=1,,_B=2', '_A=1,2'])('refuses %j and names the other separator', (text) => {
  expect(() => parseSubstitutions(text)).toThrow(expect.objectContaining({ hint: expect.stringContaining('^;^') }));
});
