import { Problem } from '../../lib/problem.ts';
import { OUTPUT_FIELDS } from './trigger.ts';

type Fields = Record<string, unknown>;

/** Fields of which a message has one at a time: whoever sets another takes the first away, as protobuf does. */
const ALTERNATIVES = [
  ['branch', 'tag'],
  ['push', 'pullRequest'],
  ['branchName', 'tagName', 'commitSha'],
  ['filename', 'build', 'autodetect', 'gitFileSource'],
  ['uri', 'repository'],
];

/**
 * What a PATCH makes of a trigger: with a mask, the fields that it names (`github.push.branch`), and those that the change
 * leaves out are cleared; without one the change is the whole trigger, as `triggers import` means it.
 * @throws Problem `invalid` for a mask that names no field
 */
export function patched(stored: object, change: unknown, mask: string | undefined): Fields {
  const given = isMap(change) ? change : {};
  const output = (field: string) => OUTPUT_FIELDS.some((each) => each === field);
  if (mask === undefined || mask === '') {
    const { name } = stored as { name?: unknown };
    return { name, ...given };
  }
  const result = structuredClone(stored) as Fields;
  for (const path of mask.split(',').map((text) => text.trim().split('.').map(camelCase))) {
    if (path.some((step) => !/^[a-zA-Z]\w*$|^_[A-Z0-9_]+$/.test(step)))
      throw new Problem('invalid', `updateMask: ${JSON.stringify(mask)} names no fields`);
    if (!output(path[0] ?? '')) set(result, path, valueAt(given, path));
  }
  return result;
}

function set(target: Fields, path: readonly string[], value: unknown): void {
  const [step = '', ...rest] = path;
  if (value !== undefined)
    for (const other of ALTERNATIVES.find((fields) => fields.includes(step)) ?? [])
      if (other !== step) delete target[other];
  if (rest.length === 0) {
    if (value === undefined) delete target[step];
    else target[step] = value;
    return;
  }
  const inner = Object.hasOwn(target, step) && isMap(target[step]) ? target[step] : {};
  set(inner, rest, value);
  target[step] = inner;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const step of path) at = isMap(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  return at;
}

/** gcloud writes masks in snake_case, others as the JSON is written; names of substitutions stay. */
function camelCase(step: string): string {
  return /^[a-z]/.test(step) ? step.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : step;
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
