import { expect, it } from 'vitest';
import { splitTime } from './time-travel.ts';

it('means a whole day, or a moment', () => {
  expect(splitTime('python:3.11@{2026-09-30}')).toEqual({
    name: 'python:3.11',
    span: { from: Date.parse('2026-09-30T00:00:00Z'), to: Date.parse('2026-09-30T23:59:59.999Z') },
  });
  const moment = Date.parse('2026-09-30T10:15:00Z');
  expect(splitTime('a/b@{2026-09-30T10:15Z}')).toEqual({ name: 'a/b', span: { from: moment, to: moment } });
});

it('leaves names and digests alone', () => {
  for (const name of ['python', 'python:3.11', `a@sha256:${'0'.repeat(64)}`]) expect(splitTime(name)).toEqual({ name });
});

it.each(['yesterday', '2026-13-01', '30.9.2026', ''])('refuses %j', (date) => {
  expect(() => splitTime(`a@{${date}}`)).toThrow('is no date');
});
