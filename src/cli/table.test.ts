import { expect, it } from 'vitest';
import { shortened, table } from './table.ts';

it('aligns columns and leaves no blanks at the end of a line', () => {
  expect(
    table([
      ['ID', 'NAME', 'NOTE'],
      ['1234', 'x', ''],
      ['1', 'long name', 'z'],
    ]),
  ).toBe('ID    NAME       NOTE\n1234  x\n1     long name  z\n');
});

it('cuts the last column where the terminal ends, and never the ids before it', () => {
  const lines = table(
    [
      ['ID', 'MADE BY'],
      ['sha256:0123456789ab', 'RUN '.repeat(40)],
    ],
    60,
  )
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => line.length)).toEqual([28, 60]);
  expect(lines[1]).toMatch(/^sha256:0123456789ab {2}RUN .*…$/);
});

it('would rather wrap than show a column of dots', () => {
  expect(table([['x'.repeat(30), 'sixteen letters!']], 20)).toContain('sixteen letters!');
});

it.each([
  ['short', 5, 'short'],
  ['longer', 5, 'long…'],
  ['x', 0, '…'],
])('shortened(%j, %d)', (text, width, expected) => {
  expect(shortened(text, width)).toBe(expected);
});
