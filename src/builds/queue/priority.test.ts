import { expect, it } from 'vitest';
import { parsePriority, priorityOf, priorityTag } from './priority.ts';

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
  expect(priorityOf([priorityTag(parsePriority('high'))])).toBe('high');
  expect(() => parsePriority('urgent')).toThrow('"urgent" is no priority');
});
