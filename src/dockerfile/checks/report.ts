import { excerpt, type Place, placeLabel } from '../../lib/problem.ts';
import { applyEdits, type Edit } from './fix.ts';
import type { Warning } from './warnings.ts';

/** Of a fix that changes more lines than this, the sentence says enough. */
const SHOWN_LINES = 6;

/** A warning as a compiler prints it: place, rule, message, excerpt, and what to write instead. */
export function renderWarning({ rule, message, place, fix }: Warning): string {
  const lines = [`${placeLabel(place)}: ${rule}: ${message}`, ...indented(excerpt(place, 0))];
  if (fix !== undefined)
    lines.push(...indented(`fix: ${fix.text}`), ...indented(mended(place, fix.edits ?? []).join('\n')));
  return lines.join('\n');
}

/** How many there are, for the last line of a report. */
export function countWarnings(count: number, file: string): string {
  if (count === 0) return `${file}: no warnings`;
  return `${file}: ${count} ${count === 1 ? 'warning' : 'warnings'}`;
}

function indented(text: string): string[] {
  return text === '' ? [] : text.split('\n').map((line) => `  ${line}`);
}

/** The lines that the edits touch, as they are afterwards. */
function mended({ text = '' }: Place, edits: readonly Edit[]): string[] {
  const [edit] = edits;
  if (edit === undefined || edits.length > SHOWN_LINES) return [];
  const first = edits.reduce((least, { range }) => Math.min(least, range.line), edit.range.line);
  const last = edits.reduce(
    (most, { range }) => Math.max(most, range.endColumn === 1 ? range.endLine - 1 : range.endLine),
    first,
  );
  const before = text.split('\n').length;
  const after = applyEdits(text, edits).split('\n');
  const changed = after.slice(first - 1, after.length - (before - last));
  if (changed.length > SHOWN_LINES) return [];
  const width = String(first + changed.length).length;
  return changed.map((line, index) => `  + ${String(first + index).padStart(width)} | ${line}`);
}
