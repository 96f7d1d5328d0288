import { describe, expect, it } from 'vitest';
import type { CacheInput, CacheRecord } from './cache.ts';
import { explainMiss } from './explain.ts';

const input = (kind: string, name: string, value: string, shown?: string): CacheInput => ({ kind, name, value, shown });
const before = [
  input('parent', 'parent', 'p', 'RUN make'),
  input('base', 'base', 'b', 'python:3.11@sha256:aaaaaaaaaaaa'),
  input('instruction', 'RUN x $V', 'i'),
  input('arg', 'V', '1', '1'),
  input('arg', 'TOKEN', '1'),
  input('arg', 'UNUSED', '1', '1'),
  input('env', 'A', '1', 'a b'),
  input('option', 'USER', 'u', 'root'),
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
const explain = (now: CacheInput[], then = before) => explainMiss(now, record(then));

it.each<[reason: string, now: CacheInput[]]>([
  ['the instruction changed', [...changed().slice(0, 2), input('instruction', 'RUN y', 'j')]],
  ['the instruction changed', [input('instruction', 'COPY . .', 'i'), input('file', 'other', 'f')]],
  ['ARG V changed: 1 -> 2', changed(input('arg', 'V', '2', '2'))],
  ['ARG TOKEN changed', changed(input('arg', 'TOKEN', '2'))],
  [
    'ARG V changed: 1 -> 2, ENV A changed: "a b" -> c',
    changed(input('arg', 'V', '2', '2'), input('env', 'A', '2', 'c')),
  ],
  ['ENV NEW is new: 1', [...before, input('env', 'NEW', '1', '1')]],
  ['ENV A is gone', before.filter(({ name }) => name !== 'A')],
  ['USER changed: root -> app', changed(input('option', 'USER', 'v', 'app'))],
  [
    'the base changed: python:3.11@sha256:aaaaaaaaaaaa -> python:3.11@sha256:bbbbbbbbbbbb',
    changed(input('base', 'base', 'c', 'python:3.11@sha256:bbbbbbbbbbbb'), input('parent', 'parent', 'q')),
  ],
  ['its input changed', changed(input('parent', 'parent', 'q'))],
  ['the cached layer is gone', before],
])('%s', (reason, now) => {
  expect(explain(now).reason).toBe(reason);
});

it('tells another source behind a mount from other mounts', () => {
  const mount = (value: string) => input('mount', '--mount=type=bind,target=/src', value);
  expect(explain([...before, mount('2')], [...before, mount('1')]).reason).toBe(
    'what --mount=type=bind,target=/src shows changed',
  );
  expect(explain([...before, mount('1')]).reason).toBe('its mounts changed');
});

it('says that nothing was built at this place before', () => {
  expect(explainMiss(before, undefined)).toEqual({ reason: 'not built before', details: [] });
});

it('says how to keep a command cached that does not mention what changed', () => {
  expect(explain(changed(input('arg', 'UNUSED', '2', '2'))).details).toEqual([
    'the command does not mention UNUSED: declare ARG UNUSED below it, and this step stays cached',
  ]);
  expect(explain(changed(input('arg', 'V', '2', '2'))).details).toEqual([]);
});

it('repeats the instruction as it was', () => {
  expect(explain([input('instruction', 'RUN y', 'j')]).details).toEqual(['it was: RUN x $V']);
});

it('names what lies below when nothing else is different', () => {
  expect(explain(changed(input('parent', 'parent', 'q', 'COPY . .'))).details).toEqual([
    'what lies below is another: COPY . .',
  ]);
});

it('compares nothing with what was left out of an exported record', () => {
  expect(explain(changed(input('arg', 'TOKEN', '2')), changed(input('arg', 'TOKEN', ''))).reason).toBe(
    'the cached layer is gone',
  );
});

describe('files', () => {
  const files = (...names: [name: string, value: string, shown?: string][]) =>
    names.map(([name, value, shown]) => input('file', name, value, shown));

  it('are named that changed, came and went, and the rest is counted', () => {
    const old = files(['src/', ''], ['src/a', '1'], ['src/b', '1'], ['src/c', '1'], ['src/gone', '1']);
    const now = files(['src/', ''], ['src/a', '2'], ['src/b', '2'], ['src/c', '1'], ['src/new', '1']);
    expect(explain(now, old).reason).toBe('4 of 4 files changed: src/a, src/b, src/new and 1 more');
    expect(explain(files(['a', '2']), files(['a', '1'])).reason).toBe('1 of 1 file changed: a');
  });

  it('are described as they were and as they are', () => {
    const old = files(
      ['a.py', '1', '0644 120 B 3f2a9c1b'],
      ['mode', '1', '0644 5 B aaaaaaaa'],
      ['gone', '1', '0644 1 B bbbbbbbb'],
      ['link', '1', '-> a'],
    );
    const now = files(
      ['a.py', '2', '0644 133 B 77ab01ff'],
      ['mode', '2', '0600 5 B aaaaaaaa'],
      ['link', '2', '-> b'],
      ['new', '1', '0755 9 B cccccccc'],
    );
    expect(explain(now, old).details).toEqual([
      'a.py: 3f2a9c1b -> 77ab01ff, 120 B -> 133 B',
      'mode: mode 0644 -> 0600',
      'link: -> a is now -> b',
      'new: added, 9 B, cccccccc',
      'gone: removed',
    ]);
  });

  it('are described up to a number', () => {
    const many = (value: string) =>
      files(...Array.from({ length: 30 }, (_, i) => [`f${i}`, value] as [string, string]));
    expect(explain(many('2'), many('1')).details).toHaveLength(11);
  });
});
