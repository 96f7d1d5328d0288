import { Problem } from '../lib/problem.ts';

/** Begins the part of a failed RUN's hint that repeats the end of its output; it is the last part. */
const HEADING = 'Its last lines:';

/** The hint of a command that failed: what is known of the reason, then what it wrote last. */
export function failureHint(reason: string | undefined, lines: readonly string[]): string | undefined {
  const written = lines.length === 0 ? [] : [[HEADING, ...lines].join('\n')];
  const parts = [...(reason === undefined ? [] : [reason]), ...written];
  return parts.length === 0 ? undefined : parts.join('\n');
}

/** The same complaint for somebody who has just read the output. */
export function withoutLastLines(error: unknown): unknown {
  if (!(error instanceof Problem) || error.hint === undefined) return error;
  const { code, message, place, exitCode, hint } = error;
  const at = hint.startsWith(HEADING) ? 0 : hint.indexOf(`\n${HEADING}`);
  if (at < 0) return error;
  return new Problem(code, message, { place, exitCode, cause: error, hint: at === 0 ? undefined : hint.slice(0, at) });
}
