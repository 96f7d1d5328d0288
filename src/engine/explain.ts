import type { CacheInput, CacheRecord } from './cache/cache.ts';

/** File names that a reason spells out before it says how many more there are. */
const NAMED_FILES = 3;

/**
 * Why an operation was not cached: its inputs beside those of the latest record at the same place of the same Dockerfile.
 * The first difference in the order of causes counts; what lies below is named last, because it explains the least.
 */
export function explainMiss(inputs: readonly CacheInput[], earlier: CacheRecord | undefined): string {
  if (earlier === undefined) return 'not built before';
  const before = new Map(earlier.inputs.map((input) => [`${input.kind}:${input.name}`, input.value]));
  const now = new Map(inputs.map((input) => [`${input.kind}:${input.name}`, input.value]));
  const of = (list: readonly CacheInput[], kind: string) => list.filter((input) => input.kind === kind);

  const instruction = of(inputs, 'instruction')[0];
  const instructionBefore = of(earlier.inputs, 'instruction')[0];
  // its words count as well: COPY of other sources has other files, and none of them "changed"
  if (instruction?.value !== instructionBefore?.value || instruction?.name !== instructionBefore?.name)
    return 'the instruction changed';

  const files = changedNames(of(earlier.inputs, 'file'), of(inputs, 'file'));
  if (files.length > 0) {
    const total = of(inputs, 'file').filter((input) => !input.name.endsWith('/')).length;
    return describeFiles(files, Math.max(total, files.length));
  }

  const reasons: string[] = [];
  const values = changedNames(
    earlier.inputs.filter((input) => input.kind === 'arg' || input.kind === 'env'),
    inputs.filter((input) => input.kind === 'arg' || input.kind === 'env'),
  );
  for (const name of values) {
    const kind = now.has(`arg:${name}`) || before.has(`arg:${name}`) ? 'ARG' : 'ENV';
    reasons.push(`${kind} ${name} changed`);
  }
  for (const name of changedNames(of(earlier.inputs, 'option'), of(inputs, 'option'))) reasons.push(`${name} changed`);
  if (reasons.length > 0) return reasons.join(', ');

  if (of(inputs, 'base')[0]?.value !== of(earlier.inputs, 'base')[0]?.value) return 'base digest changed';
  if (of(inputs, 'parent')[0]?.value !== of(earlier.inputs, 'parent')[0]?.value) return 'its input changed';
  if (of(inputs, 'source')[0]?.value !== of(earlier.inputs, 'source')[0]?.value) return 'the copied stage changed';
  return 'the cached layer is gone';
}

function changedNames(before: readonly CacheInput[], now: readonly CacheInput[]): string[] {
  const old = new Map(before.map((input) => [input.name, input.value]));
  const changed = now.filter((input) => old.get(input.name) !== input.value).map((input) => input.name);
  const present = new Set(now.map((input) => input.name));
  return [...changed, ...before.filter((input) => !present.has(input.name)).map((input) => input.name)];
}

function describeFiles(changed: string[], total: number): string {
  const shown = changed.slice(0, NAMED_FILES);
  const more = changed.length > shown.length ? ` and ${changed.length - shown.length} more` : '';
  return `${changed.length} of ${total} ${total === 1 ? 'file' : 'files'} changed: ${shown.join(', ')}${more}`;
}
