import { expect, it } from 'vitest';
import { bindPayload, escapeDollars } from './payload-bindings.ts';

const body = { ref: 'refs/heads/main', n: 3, on: true, none: null, commits: [{ id: 'c1' }], 'a-b': { 'c d': 'deep' } };
const bind = (text: string) => bindPayload(text, { body });

it.each([
  ['$(body.ref)', 'refs/heads/main'],
  ['a-$(body.n)-$(body.on)-$(body.none)-b', 'a-3-true--b'],
  ['$(body.commits[0].id)', 'c1'],
  ['$(body.commits)', '[{"id":"c1"}]'],
  ["$(body['a-b']['c d'])", 'deep'],
  ['$(body.a-b["c d"])', 'deep'],
  ['$(body.missing.deeper)', ''],
  ['$(body.commits[7].id)', ''],
  ['$(body.constructor.name)', ''],
  ['$(body.__proto__)', ''],
  ['$(push.ref)', ''],
  ['${_OTHER} $PROJECT_ID $$(x', '${_OTHER} $PROJECT_ID $$(x'],
])('%s is %s', (text, value) => {
  expect(bind(text)).toBe(value);
});

it('keeps a dollar from outside a dollar', () => {
  const hostile = { body: { title: '$_SECRET ${PROJECT_ID}' } };
  expect(bindPayload('$(body.title) $_OWN', hostile, escapeDollars)).toBe('$$_SECRET $${PROJECT_ID} $_OWN');
});

it('refuses what is nested without end', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
  expect(() => bindPayload('$(body)', { body: deep })).toThrow('nested too deeply');
});

it.each(['$()', '$(body.)', '$(body[x])', '$(1)', '$(body.a b)'])('refuses %s', (text) => {
  expect(() => bind(text)).toThrow('no payload binding');
});
