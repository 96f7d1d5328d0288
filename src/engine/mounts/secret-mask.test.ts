import { expect, it } from 'vitest';
import { SecretMask } from './secret-mask.ts';

const masked = (secrets: string[], pieces: string[]) => {
  const stream = new SecretMask(secrets.map((secret) => Buffer.from(secret))).stream();
  return pieces.map((piece) => stream.take(piece)).join('|') + stream.end();
};

it.each<[why: string, secrets: string[], pieces: string[], shown: string]>([
  ['in the middle of a line', ['hunter2'], ['pw=hunter2!\n'], 'pw=***!\n'],
  ['without the newline of its file', ['hunter2\n'], ['hunter2 hunter2\n'], '*** ***'],
  ['cut into pieces', ['hunter2'], ['pw=hun', 'te', 'r2!\n'], 'pw=||***!\n'],
  ['not when it only begins alike', ['hunter2'], ['pw=hunt', 'er3\n'], 'pw=|hunter3\n'],
  ['the longer of two that begin alike', ['hunter', 'hunter2'], ['hunter', '2 hunter '], '|*** *** '],
  ['at the very end', ['hunter', 'hunter2'], ['hunter'], '***'],
  ['beginning again within itself', ['aab-aac'], ['aab-aab-aac'], 'aab-***'],
  ['several lines', ['one-1\ntwo-2\n'], ['one-1\n', 'two-2\n', 'x'], '|***|x'],
  ['each line of several, alone', ['line-one\nline-two\n'], ['x line-two y\n', 'line-one', ' z'], 'x *** y\n||*** z'],
  ['a line without its indent', ['{\n  "key": "abc"\n}\n'], ['"key": "abc" {\n}'], '*** {\n}'],
  ['all lines at once where they stand together', ['line-one\nline-two\n'], ['line-one\nline-two\n.'], '***.'],
  ['no line that is short', ['line-one\nshort\n'], ['short line-one.'], 'short ***.'],
  ['never one that is too short to be secret', ['ab'], ['ab abc'], 'ab abc'],
])('takes a secret out: %s', (_, secrets, pieces, shown) => {
  expect(masked(secrets, pieces)).toBe(shown);
});

it('is quick with a secret of many lines', () => {
  const key = Array.from({ length: 2000 }, (_, i) => `line ${i} ${'k'.repeat(50)}`).join('\n');
  const stream = new SecretMask([Buffer.from(key)]).stream();
  const began = process.cpuUsage();
  for (let i = 0; i < 200; i++) stream.take(`${'what a compiler says of a file. '.repeat(30)}\n`);
  expect(process.cpuUsage(began).user / 1000).toBeLessThan(2000);
});

it('holds nothing back without secrets', () => {
  expect(masked([], ['a', 'b'])).toBe('a|b');
});
