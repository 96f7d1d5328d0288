import { describe, expect, it } from 'vitest';
import { entryOf } from './build-log-entry.ts';
import { matchesEntry, parseLogFilter } from './log-filter.ts';

const GCLOUD =
  'logName="projects/p1/logs/cloudbuild" AND resource.type="build" AND timestamp>="2026-11-21T00:06:39.767564Z" AND resource.labels.build_id="b1"';

describe('log filter', () => {
  it('reads what gcloud sends', () => {
    const { of, entry } = parseLogFilter(GCLOUD);
    expect(of).toEqual({
      logName: 'projects/p1/logs/cloudbuild',
      'resource.type': 'build',
      'resource.labels.build_id': 'b1',
    });
    expect(entry).toHaveLength(1);
  });

  const begun = Date.parse('2026-11-21T00:06:39.767Z');
  const third = entryOf('b1', 'Step #1 - "test": 1 failing', 3, begun);
  it.each([
    ['timestamp>="2026-11-21T00:06:39.767003Z"', true],
    ['timestamp>"2026-11-21T00:06:39.767003Z"', false],
    ['timestamp<"2026-11-21T01:06:39.767004+01:00"', true],
    ['severity>=ERROR', false],
    ['severity=INFO textPayload:"FAILING"', true],
    ['(textPayload:"1 failing" AND (insertId="b1-3"))', true],
    ['labels.build_step="Step #1 - \\"test\\""', true],
    ['labels.build_step="MAIN"', false],
    ['', true],
  ])('%s: %s', (text, expected) => {
    expect(matchesEntry(third, parseLogFilter(text))).toBe(expected);
  });

  it.each([
    ['a="1" OR b="2"', 'Unparseable filter: unknown key "a".'],
    ['severity=INFO OR severity=ERROR', 'Unparseable filter: OR is not supported.'],
    ['NOT severity=INFO', 'Unparseable filter: NOT is not supported.'],
    ['textPayload=~"x.*"', 'Unparseable filter: =~ is not supported.'],
    ['timestamp>"yesterday"', 'Unparseable filter: "yesterday" is no time like "2026-01-31T12:00:00Z".'],
    ['severity>LOUD', 'Unparseable filter: "LOUD" is no severity.'],
    ['(severity=INFO', 'Unparseable filter: a closing parenthesis is missing.'],
    ['severity=INFO)', 'Unparseable filter: ")" is one too many.'],
    ['severity=INFO AND', 'Unparseable filter: AND stands between two comparisons.'],
    ['severity', 'Unparseable filter: expected KEY="value" near "severity".'],
    ['resource.type!="build"', 'Unparseable filter: resource.type can be compared by = alone.'],
    [
      'resource.labels.build_id="a" resource.labels.build_id="b"',
      'Unparseable filter: resource.labels.build_id is compared with two values.',
    ],
    ['constructor="x"', 'Unparseable filter: unknown key "constructor".'],
  ])('refuses %s', (text, message) => {
    expect(() => parseLogFilter(text)).toThrow(expect.objectContaining({ code: 'invalid', message }));
  });
});

describe('entries', () => {
  it.each([
    ['ERROR: build step 0 "x" failed', 'MAIN', 500],
    ['TIMEOUT', 'MAIN', 500],
    ['ERRORS were found', 'MAIN', 200],
    ['WARNING: deprecated', 'MAIN', 400],
    ['Step #0: ERROR: of the step', 'Step #0', 200],
    ['Step #12 - "a b": x', 'Step #12 - "a b"', 200],
    ['Starting Step #0', 'MAIN', 200],
  ])('%s is of %s, severity %i', (text, step, severity) => {
    expect(entryOf('b', text, 0, 0)).toMatchObject({ step, severity });
  });
});
