import { Problem } from '../lib/problem.ts';

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90m`, `12h`, `30d`. @throws Problem `invalid` */
export function durationMs(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new Problem('invalid', 'It is no duration.', { hint: 'Write 90m, 12h or 30d.' });
  return Number(match[1]) * unit;
}
