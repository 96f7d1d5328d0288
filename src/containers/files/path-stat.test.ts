import { expect, it } from 'vitest';
import { goFileMode, goTime, namedPath } from './path-stat.ts';

it.each([
  ['/data', '/data', 'data', false],
  ['data', '/data', 'data', false],
  ['/data/', '/data', 'data', true],
  ['/data/.', '/data', '.', true],
  ['/', '/', '/', true],
  ['.', '/', '.', true],
  ['/data/../etc/passwd', '/etc/passwd', 'passwd', false],
  ['/../../x', '/x', 'x', false],
])('means by %s the path %s, named %s', (text, path, name, isFolder) => {
  expect(namedPath(text)).toEqual({ path, name, isFolder });
});

it.each([
  [0o100644, 420],
  [0o40750, 2147484136],
  [0o120777, 134218239],
  [0o104755, 8389101],
  [0o41777, 2147484159 + 2 ** 20],
  [0o20666, 2 ** 26 + 2 ** 21 + 0o666],
])('writes the mode %o as Go does: %i', (mode, go) => {
  expect(goFileMode(mode)).toBe(go);
});

it('writes times with the digits they have', () => {
  expect(goTime(1_795_259_027_000_000_000n)).toBe('2026-11-21T11:03:47Z');
  expect(goTime(1_795_259_028_154_320_475n)).toBe('2026-11-21T11:03:48.154320475Z');
  expect(goTime(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
});
