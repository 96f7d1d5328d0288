import { withoutLastLines } from '../../../engine/last-lines.ts';
import { excerpt, Problem, placeLabel } from '../../../lib/problem.ts';

/**
 * A failure for a client that has been shown the progress: its output is not repeated, and the lines of the Dockerfile that
 * are meant stand below it, as newer clients show them by themselves. A command's exit code stays out of it: with BuildKit
 * docker ends with 1 whatever failed.
 */
export function tracedError(error: unknown): unknown {
  const shown = withoutLastLines(error);
  if (!(shown instanceof Problem)) return shown;
  const { code, message, place, hint } = shown;
  const text = place === undefined ? '' : excerpt(place);
  const parts = [text === '' || place === undefined ? [] : [placeLabel(place), text], hint ?? []].flat();
  return new Problem(code, message, { place, hint: parts.length === 0 ? undefined : parts.join('\n'), cause: error });
}
