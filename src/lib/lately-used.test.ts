import { expect, it } from 'vitest';
import { LatelyUsed } from './lately-used.ts';

it('forgets what nobody used for the longest time', () => {
  const kept = new LatelyUsed<string, number>(2);
  kept.set('a', 1);
  kept.set('b', 2);
  expect(kept.get('a')).toBe(1);
  kept.set('c', 3);
  expect([kept.get('a'), kept.get('b'), kept.get('c')]).toEqual([1, undefined, 3]);
});

it('takes a new value for an old key without forgetting another', () => {
  const kept = new LatelyUsed<string, number>(2);
  kept.set('a', 1);
  kept.set('b', 2);
  kept.set('a', 3);
  expect([kept.get('a'), kept.get('b')]).toEqual([3, 2]);
});

it('holds so much weight, whatever was put in again', () => {
  const map = new LatelyUsed<string, string>(10, (text) => text.length);
  for (let i = 0; i < 5; i++) map.set('a', 'xxxx');
  map.set('b', 'xxxxxx');
  expect([map.get('a'), map.get('b')]).toEqual(['xxxx', 'xxxxxx']);
  map.set('c', 'x');
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 'xxxxxx', 'x']);
  map.set('d', 'x'.repeat(11));
  expect(map.get('d')).toBeUndefined();
});
