import { Problem } from '../lib/problem.ts';

/** The latest year that a date of RFC 3339 can say, in seconds since 1970. */
const LATEST = 253_402_300_799;

/**
 * The date that a reproducible build has instead of today's (reproducible-builds.org, SOURCE_DATE_EPOCH): milliseconds since
 * 1970, from the build argument; absent or empty: none.
 * @throws Problem `invalid`
 */
export function sourceDate(buildArgs: Readonly<Record<string, string>>): number | undefined {
  const text = Object.hasOwn(buildArgs, 'SOURCE_DATE_EPOCH') ? (buildArgs['SOURCE_DATE_EPOCH'] ?? '') : '';
  if (text === '') return undefined;
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= LATEST) return seconds * 1000;
  throw new Problem('invalid', `SOURCE_DATE_EPOCH=${text}: whole seconds since 1970 are expected`, {
    hint: 'For example --build-arg SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct)',
  });
}

/** The same in nanoseconds, for times of files. */
export function sourceDateNs(buildArgs: Readonly<Record<string, string>>): bigint | undefined {
  const date = sourceDate(buildArgs);
  return date === undefined ? undefined : BigInt(date) * 1_000_000n;
}
