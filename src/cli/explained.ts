import { INPUT_CHANGED } from '../engine/cache/explain.ts';
import type { CacheOrigin, StepReport } from '../engine/engine.ts';
import { formatDuration } from '../lib/bytes.ts';
import { ago } from './ago.ts';
import { shortened } from './table.ts';

/** Widest instruction that is shown, and widest outcome behind it; both fit 80 columns. */
const TEXT_WIDTH = 44;
const OUTCOME_WIDTH = 29;

/** A FROM line, which is no step. */
export interface ExplainedBase {
  text: string;
  cached: boolean;
}

/**
 * Why each step was or was not cached, as lines: the instruction with its outcome and the build that made it, and below
 * those that ran the reason, what changed from which value to which, the step that caused it, and what would have kept it
 * cached.
 */
export function explained(steps: readonly StepReport[], bases: readonly ExplainedBase[], now = Date.now()): string {
  const rows = [
    ...bases.map(({ text, cached }) => ({ text, outcome: cached ? 'cached' : 'fetched', notes: [] as string[] })),
    ...steps.map((step, at) => ({
      text: step.text,
      outcome: outcomeOf(step, now),
      notes: step.status === 'ran' ? notesOf(steps, at, bases.length, now) : [],
    })),
  ];
  const texts = rows.map(({ text }) => shortened(text.replaceAll(/\s+/g, ' ').trim(), TEXT_WIDTH));
  const width = Math.max(...texts.map((text) => text.length));
  return rows
    .flatMap(({ outcome, notes }, i) => [
      `${String(i + 1).padStart(3)}  ${(texts[i] ?? '').padEnd(width)}  ${outcome}`,
      ...notes.map((note) => `       ${note}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function outcomeOf({ status, ms, since }: StepReport, now: number): string {
  if (status === 'ran') return `ran ${formatDuration(ms)}`;
  if (status === 'metadata') return 'no layer';
  return since === undefined ? 'cached' : shortened(`cached, ${madeBy(since, now)}`, OUTCOME_WIDTH);
}

/** `build 4f2c1e99`, the name of the cache that it came from, or its age. */
function madeBy({ build, at, importedFrom }: CacheOrigin, now: number): string {
  if (importedFrom !== undefined) return `from ${importedFrom}`;
  return build.startsWith('build:') ? sourceOf({ build, at }) : `made ${ago(at, now)}`;
}

function notesOf(steps: readonly StepReport[], at: number, shift: number, now: number): string[] {
  const step = steps[at];
  if (step?.reason === undefined) return [];
  const details = (step.details ?? []).map((detail) => `  ${detail}`);
  const since = step.since === undefined ? '' : `, since ${sourceOf(step.since)} (${ago(step.since.at, now)})`;
  if (step.reason !== INPUT_CHANGED) return [`${step.reason}${since}`, ...details];
  const cause = steps.slice(0, at).findLastIndex((earlier) => earlier.status === 'ran');
  if (cause < 0) return [`${step.reason}${since}`, ...details];
  const advice = copyFirst(step, steps.slice(0, at));
  return [`${step.reason} (step ${cause + 1 + shift})`, ...(advice === undefined ? [] : advice)];
}

function sourceOf({ build, importedFrom }: CacheOrigin): string {
  if (importedFrom !== undefined) return importedFrom;
  return build.startsWith('build:') ? `build ${build.slice('build:'.length, 'build:'.length + 8)}` : 'the last build';
}

/**
 * A RUN that names a file, behind a COPY that brought other changed files with it, would have stayed cached if its own file
 * had been copied before. Said only where every changed file is known.
 */
function copyFirst(step: StepReport, earlier: readonly StepReport[]): string[] | undefined {
  const needed = /^RUN\b/i.test(step.text)
    ? (step.text.match(/[\w./-]+\.(?:txt|json|toml|lock|cfg|mod|sum)\b/g) ?? [])
    : [];
  const changed = earlier.flatMap((before) =>
    before.status === 'ran' && /^(?:COPY|ADD)\b/i.test(before.text) ? changedFiles(before.reason ?? '') : [],
  );
  if (needed.length === 0 || changed.length === 0 || changed.includes(undefined)) return undefined;
  // by their last names: the RUN sees the file where COPY put it
  const last = (path = '') => path.slice(path.lastIndexOf('/') + 1);
  if (needed.some((file) => changed.some((path) => last(path) === last(file)))) return undefined;
  const names = [...new Set(needed)].join(', ');
  return [`none of the changed files is ${names}: copy it before the rest,`, 'and this step stays cached'];
}

/** Of `1 of 3 files changed: a, b`; undefined stands for those that the reason doesn't name. */
function changedFiles(reason: string): (string | undefined)[] {
  const list = /^\d+ of \d+ files? changed: (.*)$/.exec(reason)?.[1];
  if (list === undefined) return reason === INPUT_CHANGED ? [] : [undefined];
  return list.split(', ').flatMap((name) => (/ and \d+ more$/.test(name) ? [name, undefined] : [name]));
}
