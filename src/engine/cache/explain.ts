import type { CacheInput, CacheRecord } from './cache.ts';

/** Why an operation was not cached: in one line, and what that line is about, line by line. */
export interface Explanation {
  reason: string;
  details: string[];
}

/** File names that a reason spells out before it says how many more there are. */
const NAMED_FILES = 3;
/** Files whose old and new state the details give. */
const DETAILED_FILES = 10;
/** Characters of an earlier instruction that are repeated. */
const OLD_TEXT = 100;

/** Said where only what lies below an operation is different: the operation that caused it has the real reason. */
export const INPUT_CHANGED = 'its input changed';

/**
 * The inputs of an operation beside those of the nearest earlier record. The first difference in the order of causes
 * counts; what lies below is named last, because it explains the least.
 */
export function explainMiss(inputs: readonly CacheInput[], earlier: CacheRecord | undefined): Explanation {
  if (earlier === undefined) return { reason: 'not built before', details: [] };
  const now = new Inputs(inputs);
  const before = new Inputs(earlier.inputs);
  return (
    instructionReason(now, before) ??
    fileReason(now, before) ??
    valueReason(now, before) ??
    belowReason(now, before) ?? { reason: 'the cached layer is gone', details: [] }
  );
}

class Inputs {
  readonly list: readonly CacheInput[];

  constructor(list: readonly CacheInput[]) {
    this.list = list;
  }

  of(...kinds: string[]): CacheInput[] {
    return this.list.filter(({ kind }) => kinds.includes(kind));
  }

  one(kind: string): CacheInput | undefined {
    return this.list.find((input) => input.kind === kind);
  }
}

interface Difference {
  name: string;
  kind: string;
  old?: CacheInput | undefined;
  now?: CacheInput | undefined;
}

/** What is other or new, in the order of now, and then what is gone. */
function differences(now: readonly CacheInput[], before: readonly CacheInput[]): Difference[] {
  const old = new Map(before.map((input) => [input.name, input]));
  const present = new Set(now.map((input) => input.name));
  return [
    ...now
      .filter((input) => differs(old.get(input.name)?.value, input.value))
      .map((input) => ({ name: input.name, kind: input.kind, old: old.get(input.name), now: input })),
    ...before
      .filter((input) => !present.has(input.name))
      .map((input) => ({ name: input.name, kind: input.kind, old: input })),
  ];
}

/** An empty digest was left out of an exported record, so nothing is known of it. */
function differs(old: string | undefined, now: string): boolean {
  return old !== now && !(old === '' && now !== '');
}

function instructionReason(now: Inputs, before: Inputs): Explanation | undefined {
  const [instruction, old] = [now.one('instruction'), before.one('instruction')];
  // its words count as well: COPY of other sources has other files, and none of them "changed"
  if (instruction?.value === old?.value && instruction?.name === old?.name) return undefined;
  const text = old?.name.replaceAll(/\s+/g, ' ') ?? '';
  const details = text === '' || text === instruction?.name ? [] : [`it was: ${cut(text, OLD_TEXT)}`];
  return { reason: 'the instruction changed', details };
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

function fileReason(now: Inputs, before: Inputs): Explanation | undefined {
  const changed = differences(now.of('file'), before.of('file'));
  if (changed.length === 0) return undefined;
  const total = Math.max(now.of('file').filter(({ name }) => !name.endsWith('/')).length, changed.length);
  const shown = changed.slice(0, NAMED_FILES).map(({ name }) => name);
  const more = changed.length > shown.length ? ` and ${changed.length - shown.length} more` : '';
  const details = changed.slice(0, DETAILED_FILES).map(fileDetail);
  if (changed.length > DETAILED_FILES) details.push(`and ${changed.length - DETAILED_FILES} more files`);
  return {
    reason: `${changed.length} of ${total} ${total === 1 ? 'file' : 'files'} changed: ${shown.join(', ')}${more}`,
    details,
  };
}

/** `a.py: 3f2a9c1b -> 77ab01ff, 120 B -> 133 B`; a part that stayed is left out. */
function fileDetail({ name, old, now }: Difference): string {
  if (old === undefined) return `${name}: added${now?.shown === undefined ? '' : `, ${plainState(now.shown)}`}`;
  if (now === undefined) return `${name}: removed`;
  const [was, is] = [stateOf(old.shown), stateOf(now.shown)];
  if (was === undefined || is === undefined)
    return old.shown === undefined || now.shown === undefined
      ? `${name}: changed`
      : `${name}: ${plainState(old.shown)} is now ${plainState(now.shown)}`;
  const parts = [
    ...(was.digest === is.digest ? [] : [`${was.digest} -> ${is.digest}`]),
    ...(was.size === is.size ? [] : [`${was.size} -> ${is.size}`]),
    ...(was.mode === is.mode ? [] : [`mode ${was.mode} -> ${is.mode}`]),
  ];
  return `${name}: ${parts.length === 0 ? 'changed' : parts.join(', ')}`;
}

/** As inputs.ts writes a file: mode, size with its unit, first digits of the digest. */
function stateOf(shown: string | undefined): { mode: string; size: string; digest: string } | undefined {
  const match = /^([0-7]{4}) (\d+ B) ([0-9a-f]+)$/.exec(shown ?? '');
  return match === null ? undefined : { mode: match[1] ?? '', size: match[2] ?? '', digest: match[3] ?? '' };
}

function plainState(shown: string): string {
  const state = stateOf(shown);
  return state === undefined ? shown : `${state.size}, ${state.digest}`;
}

function valueReason(now: Inputs, before: Inputs): Explanation | undefined {
  // an ARG that became an ENV of the same value is no change
  const values = differences(now.of('arg', 'env'), before.of('arg', 'env'));
  const options = differences(now.of('option'), before.of('option'));
  const mounts = differences(now.of('mount'), before.of('mount'));
  const sources = mounts.filter(({ old, now: is }) => old !== undefined && is !== undefined);
  const reasons = [
    ...values.map((change) => `${change.kind === 'arg' ? 'ARG' : 'ENV'} ${changeOf(change)}`),
    ...options.map(changeOf),
    ...(sources.length > 0 ? [`what ${sources[0]?.name} shows changed`] : []),
    ...(mounts.length > sources.length ? ['its mounts changed'] : []),
  ];
  if (reasons.length === 0) return undefined;
  const command = now.one('instruction')?.name ?? '';
  const details = values
    .filter(
      ({ kind, name, old, now: is }) =>
        kind === 'arg' && old !== undefined && is !== undefined && !mentions(command, name),
    )
    .map(
      ({ name }) => `the command does not mention ${name}: declare ARG ${name} below it, and this step stays cached`,
    );
  return { reason: reasons.join(', '), details };
}

function mentions(command: string, name: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${name.replaceAll(/[^A-Za-z0-9_]/g, '\\$&')}(?![A-Za-z0-9_])`).test(command);
}

/** `V changed: 1 -> 2`; what may not be shown is only said to have changed. */
function changeOf({ name, old, now }: Difference): string {
  if (old === undefined) return now?.shown === undefined ? `${name} is new` : `${name} is new: ${quoted(now.shown)}`;
  if (now === undefined) return `${name} is gone`;
  if (old.shown === undefined || now.shown === undefined) return `${name} changed`;
  return `${name} changed: ${quoted(old.shown)} -> ${quoted(now.shown)}`;
}

function quoted(value: string): string {
  return /^[\w./:@+=-]+$/.test(value) ? value : JSON.stringify(value);
}

function belowReason(now: Inputs, before: Inputs): Explanation | undefined {
  const [base, oldBase] = [now.one('base'), before.one('base')];
  if (base?.value !== oldBase?.value) {
    const known = base?.shown !== undefined && oldBase?.shown !== undefined && base.shown !== oldBase.shown;
    return { reason: known ? `the base changed: ${oldBase.shown} -> ${base.shown}` : 'the base changed', details: [] };
  }
  const [parent, oldParent] = [now.one('parent'), before.one('parent')];
  if (parent?.value !== oldParent?.value)
    return {
      reason: INPUT_CHANGED,
      details: parent?.shown === undefined ? [] : [`what lies below is another: ${cut(parent.shown, OLD_TEXT)}`],
    };
  if (now.one('source')?.value !== before.one('source')?.value)
    return { reason: 'the copied stage changed', details: [] };
  return undefined;
}
