import { expect, it } from 'vitest';
import { type DockerEvent, EventHub } from './events.ts';

const event = (action: string): DockerEvent => ({ type: 'container', action, id: 'c', attributes: { a: 'b' }, at: 0 });

it('remembers 256 events, and fewer of those that are long', () => {
  const hub = new EventHub();
  for (let i = 0; i < 300; i++) hub.tell(event(`e${i}`));
  expect(hub.past().map(({ action }) => action)).toEqual(Array.from({ length: 256 }, (_, i) => `e${i + 44}`));
  for (let i = 0; i < 20; i++) hub.tell(event(`${i} ${'x'.repeat(4 << 20)}`));
  expect(hub.past().map(({ action }) => action.slice(0, 3).trim())).toEqual(['17', '18', '19']);
  let told = 0;
  hub.listen(() => told++);
  hub.tell(event('x'.repeat(17 << 20)));
  expect([told, hub.past()]).toEqual([1, []]);
  hub.tell(event('after'));
  expect(hub.past()).toHaveLength(1);
});
