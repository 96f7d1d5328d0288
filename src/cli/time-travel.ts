import { UsageProblem } from './usage-problem.ts';

/** Milliseconds since 1970, both ends included. */
export interface Span {
  from: number;
  to: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Takes `@{2026-09-30}` (that day, UTC) or `@{2026-09-30T10:15Z}` (that moment) from the end of an image's name: git's way
 * of asking what a name meant.
 * @throws UsageProblem for a date that is none
 */
export function splitTime(text: string): { name: string; span?: Span } {
  const [, name, date] = /^(.+)@\{(.*)\}$/.exec(text) ?? [];
  if (name === undefined || date === undefined) return { name: text };
  const from = Date.parse(date);
  if (!/^\d{4}-\d{2}-\d{2}/.test(date) || Number.isNaN(from))
    throw new UsageProblem(`${JSON.stringify(date)} is no date`, 'For example @{2026-09-30} or @{2026-09-30T10:15Z}.');
  return { name, span: { from, to: /^\d{4}-\d{2}-\d{2}$/.test(date) ? from + DAY_MS - 1 : from } };
}
