import { expect, it } from 'vitest';
import { ListedPaths, type OpenFolder } from './listed-paths.ts';

function listing() {
  const left: string[] = [];
  const paths = new ListedPaths<OpenFolder>({ path: '', last: '' }, ({ path }) => left.push(path));
  const folder = (path: string) => {
    paths.take(path);
    paths.enter({ path, last: '' });
  };
  return { paths, left, folder };
}

it('takes a list that is depth first, and says which folders are done', () => {
  const { paths, left, folder } = listing();
  folder('a');
  paths.take('a/x');
  folder('a/y');
  paths.take('a/y/z');
  paths.take('a.b');
  folder('żółw');
  paths.take('żółw/x');
  expect(left).toEqual(['a/y', 'a']);
  paths.end();
  expect(left).toEqual(['a/y', 'a', 'żółw', '']);
});

it.each([['..'], ['.'], [''], ['/etc/passwd'], ['a/../../etc'], ['b/x'], ['a/'], ['x\0y'], ['y'.repeat(5000)]])(
  'refuses %j',
  (path) => {
    const { paths, folder } = listing();
    folder('a');
    expect(() => paths.take(path)).toThrow(/may not come there/);
  },
);

it('refuses what comes twice, out of order, or below what is no folder', () => {
  const { paths, folder } = listing();
  folder('b');
  paths.take('b/x');
  expect(() => paths.take('b/x')).toThrow(/may not come there/);
  expect(() => paths.take('b/w')).toThrow(/may not come there/);
  expect(() => paths.take('a')).toThrow(/may not come there/);
  paths.take('c');
  expect(() => paths.take('c/x')).toThrow(/may not come there/);
  expect(() => paths.take('b/y')).toThrow(/may not come there/);
});

it('refuses more text in names than a million files have', () => {
  const { paths } = listing();
  const name = (i: number) => `${String(i).padStart(6, '0')}${'x'.repeat(4000)}`;
  expect(() => {
    for (let i = 0; i < 100_000; i++) paths.take(name(i));
  }).toThrow(/names that are as long/);
});
