import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

it('lets others have the event loop between two callers', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const callers = ['a', 'b', 'c'].map(async (name) => {
    await turns.take();
    order.push(name);
    setImmediate(() => order.push(`after ${name}`));
  });
  await Promise.all(callers);
  await new Promise(setImmediate);
  expect(order.indexOf('after a')).toBeLessThan(order.indexOf('c'));
  expect(order.filter((name) => name.length === 1)).toEqual(['a', 'b', 'c']);
});
