import { describe, expect, it } from 'vitest';
import { parseFilter } from './filter.ts';
import { narrowFilter } from './narrow-filter.ts';

const DAY = Date.parse('2026-01-01T00:00:00Z');

describe('what a filter rules out', () => {
  it.each([
    ['status="WORKING" OR status="QUEUED"', ['QUEUED', 'WORKING']],
    ['tags="a" AND status="SUCCESS"', ['SUCCESS']],
    ['status="SUCCESS" AND status="FAILURE"', []],
  ])('%s leaves statuses', (text, statuses) => {
    expect(narrowFilter(parseFilter(text)).statuses).toEqual(statuses);
  });

  it.each([
    ['build_id="b1" AND tags="x"', { id: 'b1', texts: ['x'] }],
    ['create_time>"2026-01-01T00:00:00Z" AND create_time>="2025-01-01T00:00:00Z"', { from: DAY }],
    ['createTime<="2026-01-01T00:00:00Z"', { to: DAY }],
    ['trigger_id="t" images="i"', { texts: ['t', 'i'] }],
  ])('%s leaves %j', (text, left) => {
    expect(narrowFilter(parseFilter(text))).toMatchObject(left);
  });

  // a rule that is too narrow would hide builds
  it.each([
    'tags="a" OR create_time>"2026-01-01T00:00:00Z"',
    'NOT tags="a"',
    'tags!="a"',
    'trigger_id=""',
    'create_time>"soon"',
    'options.requested_verify_option="NOT_VERIFIED"',
  ])('%s rules nothing out', (text) => {
    const { statuses, id, from, to, texts } = narrowFilter(parseFilter(text));
    expect([statuses.length, id, from, to, texts]).toEqual([9, undefined, undefined, undefined, []]);
  });
});
