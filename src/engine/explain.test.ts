import { expect, it } from 'vitest';
import type { CacheInput, CacheRecord } from './cache/cache.ts';
import { explainMiss } from './explain.ts';

const input = (kind: string, name: string, value: string): CacheInput => ({ kind, name, value });
const before = [
  input('parent', 'parent', 'p'),
  input('base', 'base', 'b'),
  input('instruction', 'RUN x', 'i'),
  input('arg', 'V', '1'),
  input('env', 'A', '1'),
  input('option', 'USER', 'u'),
];
const record = (inputs: CacheInput[]): CacheRecord => ({
  key: 'k',
  position: 'Dockerfile#0#1',
  text: 'RUN x',
  inputs,
  build: 'b',
  durationMs: 1,
  createdAt: 1,
});
const changed = (...others: CacheInput[]) =>
  before.map((old) => others.find((other) => other.kind === old.kind && other.name === old.name) ?? old);

it.each<[reason: string, now: CacheInput[]]>([
  ['the instruction changed', [...changed().slice(0, 2), input('instruction', 'RUN y', 'j')]],
  ['the instruction changed', [input('instruction', 'COPY . .', 'i'), input('file', 'other', 'f')]],
  ['ARG V changed', changed(input('arg', 'V', '2'))],
  ['ARG V changed, ENV A changed', changed(input('arg', 'V', '2'), input('env', 'A', '2'))],
  ['ENV NEW changed', [...before, input('env', 'NEW', '1')]],
  ['USER changed', changed(input('option', 'USER', 'v'))],
  ['base digest changed', changed(input('base', 'base', 'c'), input('parent', 'parent', 'q'))],
  ['its input changed', changed(input('parent', 'parent', 'q'))],
  ['the cached layer is gone', before],
])('%s', (reason, now) => {
  expect(explainMiss(now, record(before))).toBe(reason);
});

it('says that nothing was built at this place before', () => {
  expect(explainMiss(before, undefined)).toBe('not built before');
});

it('names the files that changed, came and went, and counts the rest', () => {
  const files = (...names: [string, string][]) => names.map(([name, value]) => input('file', name, value));
  const old = record(files(['src/', ''], ['src/a', '1'], ['src/b', '1'], ['src/c', '1'], ['src/gone', '1']));
  const now = files(['src/', ''], ['src/a', '2'], ['src/b', '2'], ['src/c', '1'], ['src/new', '1']);
  expect(explainMiss(now, old)).toBe('4 of 4 files changed: src/a, src/b, src/new and 1 more');
  expect(explainMiss(files(['a', '2']), record(files(['a', '1'])))).toBe('1 of 1 file changed: a');
});
