import { expect, it } from 'vitest';
import { cutText, printable, textWidth } from './text-width.ts';

it('counts the columns of what terminals show wide, and nothing for what has no width', () => {
  expect([textWidth('abc'), textWidth('日本語'), textWidth('한국어'), textWidth('e\u0301'), textWidth('🚀')]).toEqual([
    3, 6, 6, 1, 2,
  ]);
});

it('cuts at columns and not at characters, and says where', () => {
  expect(cutText('abcdef', 6)).toBe('abcdef');
  expect(cutText('abcdefg', 6)).toBe('abcde…');
  expect(cutText('日本語', 6)).toBe('日本語');
  expect(cutText('日本語', 5)).toBe('日本…');
  expect(cutText('日本語', 4)).toBe('日…');
  expect(cutText('abc', 0)).toBe('');
});

it('shows of a line what a terminal would show, without its colours', () => {
  expect(printable('\u001b[31mred\u001b[0m\tx')).toBe('red    x');
  expect(printable(' 10%\r 55%\r100%\r')).toBe('100%');
  expect(printable('bell\u0007 \u001b[2Jgone\u0000')).toBe('bell gone');
});
