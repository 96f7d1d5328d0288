import { expect, it } from 'vitest';
import { Lines } from './lines.ts';

it('gives whole lines, wherever the pieces are cut', () => {
  const lines = new Lines();
  expect(['a', 'b\nc', '\n', '\nd', 'e'].flatMap((piece) => lines.take(piece))).toEqual(['ab', 'c', '']);
  expect([lines.end(), lines.end()]).toEqual(['de', '']);
});

it('breaks a line that never ends, and keeps no more of it than one piece', () => {
  const lines = new Lines(10);
  expect(lines.take('x'.repeat(25))).toEqual(['x'.repeat(10), 'x'.repeat(10)]);
  expect(lines.take('y'.repeat(5))).toEqual([]);
  expect(lines.take('z')).toEqual(['xxxxxyyyyy']);
  expect(lines.end()).toBe('z');
});

it('takes 100 MB without a newline in a moment', () => {
  const lines = new Lines();
  const piece = 'x'.repeat(64 << 10);
  const began = performance.now();
  let length = 0;
  for (let i = 0; i < 1600; i++) for (const line of lines.take(piece)) length += line.length;
  expect(length + lines.end().length).toBe(1600 * piece.length);
  expect(performance.now() - began).toBeLessThan(5000);
});
