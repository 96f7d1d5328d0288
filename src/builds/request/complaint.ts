import { type Place, Problem } from '../../lib/problem.ts';
import { type FieldPath, formatPath } from './field-path.ts';

/** What kind of slip it is, where somebody treats kinds differently (`slipway lint`). */
export type ComplaintKind = 'shell-variable' | 'missing-value' | 'unused-value';

/** A rule that the build breaks; `message` is the API's text. */
export interface Complaint {
  path: FieldPath;
  message: string;
  hint?: string | undefined;
  kind?: ComplaintKind | undefined;
  /** The part of the value that is meant, as written there. */
  word?: string | undefined;
  /** Names without a value that made this value what it is: with values for them the complaint may go away. */
  emptied?: readonly string[] | undefined;
}

/** Where a value stands, narrowed to a word of it. Undefined when the request came from no file. */
export type PlaceOf = (path: FieldPath, word?: string) => Place | undefined;

/** Of complaints beside the first, so many are named. */
export const MAX_NAMED = 20;

/** All complaints as one Problem: the first with its place and hint, the others by name, with their line. */
export function problemOfComplaints(complaints: readonly Complaint[], placeOf: PlaceOf = () => undefined): Problem {
  const [first, ...others] = complaints;
  const hints = first?.hint === undefined ? [] : [first.hint];
  const named = others.slice(0, MAX_NAMED).map(({ message, path, word }) => {
    const line = placeOf(path, word)?.ranges[0]?.line;
    const text = message.replace(/^invalid build: |^invalid value for 'build.substitutions': /, '');
    return line === undefined ? text : `${text} (line ${line})`;
  });
  if (others.length > MAX_NAMED) named.push(`and ${others.length - MAX_NAMED} more`);
  if (named.length > 0) hints.push(`Also:\n  ${named.join('\n  ')}`);
  return new Problem('invalid', first?.message ?? 'invalid build', {
    place: first === undefined ? undefined : placeOf(first.path, first.word),
    hint: hints.length === 0 ? undefined : hints.join('\n'),
  });
}

/** As the API writes a path, without the dot at its beginning. */
export function pathLabel(path: FieldPath): string {
  return formatPath(path).slice(1);
}
