import { expect, it } from 'vitest';
import { ContainerIndex } from './container-index.ts';

function indexOf(...containers: [id: string, name: string][]): ContainerIndex<string> {
  const index = new ContainerIndex<string>();
  for (const [id, name] of containers) {
    index.takeName(name, id);
    index.add(id, name);
  }
  return index;
}

it('finds by id, by name and by the beginning of an id, in this order', () => {
  const index = indexOf(['abc1', 'one'], ['abd2', 'abc'], ['f00d', 'two']);
  expect(index.find('abc1')).toBe('one');
  expect(index.find('/one')).toBe('one');
  expect(index.find('abc')).toBe('abc');
  expect(index.find('f')).toBe('two');
  expect(() => index.find('ab')).toThrow('Multiple IDs found with provided prefix: ab');
  expect(() => index.find('nope')).toThrow('No such container: nope');
  expect(() => index.find('')).toThrow('No such container: ');
});

it('says in docker’s words who has a name', () => {
  const index = indexOf(['abc1', 'one']);
  expect(() => index.takeName('one', 'x')).toThrow(
    'Conflict. The container name "/one" is already in use by container "abc1". You have to remove (or rename) that ' +
      'container to be able to reuse that name.',
  );
  index.remove('abc1', 'one');
  index.takeName('one', 'x');
});

it.each(['_x', 'x', '', 'a b', 'ä1', '../x', '-bad'])('refuses the name %j', (name) => {
  expect(() => indexOf(['abc1', name])).toThrow(
    `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  );
});

it('makes up thousands of names without a clash', () => {
  const index = new ContainerIndex<string>();
  const names = Array.from({ length: 6000 }, (_, i) => index.takeGeneratedName(String(i)));
  expect(new Set(names).size).toBe(6000);
  expect(names[0]).toMatch(/^[a-z]+_[a-z]+$/);
});
