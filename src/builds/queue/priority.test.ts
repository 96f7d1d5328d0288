import { expect, it } from 'vitest';
import { parsePriority, priorityOf, withPriority } from './priority.ts';

it.each([
  [undefined, 'normal'],
  [['v1', 'nightly'], 'normal'],
  [['v1', 'priority-low'], 'low'],
  [['priority-low', 'priority-high'], 'high'],
  [['priority-urgent'], 'normal'],
])('tags %j mean %s', (tags, priority) => {
  expect(priorityOf(tags)).toBe(priority);
});

it('is written as the tag it is read from, and refused when it is none', () => {
  expect(withPriority(['v1', 'priority-low'], parsePriority('high'))).toEqual(['v1', 'priority-high']);
  expect(withPriority(['priority-low'], 'normal')).toEqual([]);
  expect(priorityOf(withPriority(undefined, 'low'))).toBe('low');
  expect(() => parsePriority('urgent')).toThrow('"urgent" is no priority');
});
