import type { z } from 'zod';
import { nearest } from '../../lib/nearest.ts';
import { type Place, Problem } from '../../lib/problem.ts';
import { MAX_NAMED, pathLabel, problemOfComplaints } from './complaint.ts';
import { type FieldPath, formatPath } from './field-path.ts';
import { type BuildRequest, buildRequestSchema } from './request.ts';

/** A complaint about one field of a request, before anybody knows whether it came as JSON or in a file. */
export interface FieldComplaint {
  path: FieldPath;
  /** There is no such field; else it is there, but its value isn't right. */
  unknown: boolean;
  message: string;
  hint?: string | undefined;
}

export type ReadResult = { request: BuildRequest } | { complaints: FieldComplaint[] };

/** Parts whose keys are the user's own words: they keep their spelling. */
const OWN_KEYS = new Set(['substitutions', 'envMap', 'env_map', 'secretEnv', 'secret_env']);

/** The deepest field of the API stands at 6; deeper input would only use up the stack. */
const MAX_DEPTH = 30;

/** Values of a build, counted wherever an alias or the nesting repeats them. */
const MAX_VALUES = 300_000;

/** What the server says of a build: clients that send a build back, or write such a file, are not believed. */
const OUTPUTS = new Set([
  'approval',
  'buildTriggerId',
  'createTime',
  'failureInfo',
  'finishTime',
  'id',
  'logUrl',
  'name',
  'projectId',
  'results',
  'sourceProvenance',
  'startTime',
  'status',
  'statusDetail',
  'timing',
  'warnings',
]);
const STEP_OUTPUTS = new Set(['status', 'exitCode', 'timing', 'pullTiming']);

/**
 * The message as the schema has it: keys as the API spells them (`wait_for` becomes `waitFor`, but not in the user's own
 * maps), without output fields, and without fields that are null, which means unset. Depth counts only what nests.
 */
function normalise(value: unknown, outputs: ReadonlySet<string> | undefined, seen = { values: 0 }, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new Problem('invalid', `the build is nested more than ${MAX_DEPTH} levels deep`);
  if (++seen.values > MAX_VALUES) throw new Problem('invalid', `the build has more than ${MAX_VALUES} values`);
  if (Array.isArray(value)) return value.map((inner) => normalise(inner, outputs, seen, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([written, inner]): [string, unknown][] => {
    const key = camelCase(written);
    if (inner === null || outputs?.has(key)) return [];
    if (OWN_KEYS.has(written) && typeof inner === 'object' && !Array.isArray(inner)) return [[key, ownMap(inner)]];
    return [[key, normalise(inner, depth === 0 && key === 'steps' ? STEP_OUTPUTS : undefined, seen, depth + 1)]];
  });
  // fromEntries defines own properties, so a key `__proto__` stays an (unknown) field and changes no prototype
  return Object.fromEntries(entries);
}

function camelCase(key: string): string {
  if (!/^[a-z]+(?:_[a-z0-9]+)+$/.test(key)) return key;
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A name with nothing behind it has the empty value, as a template that names it expects. */
function ownMap(map: object): object {
  return Object.fromEntries(Object.entries(map).map(([key, inner]): [string, unknown] => [key, inner ?? '']));
}

/** Checks shape and spelling; what the values mean is validate.ts's. @throws Problem `invalid` for absurd depth */
export function readRequest(value: unknown): ReadResult {
  const message = normalise(value, OUTPUTS);
  const reserved = reservedKeys(message);
  if (reserved.length > 0) return { complaints: reserved };
  const result = buildRequestSchema.safeParse(message);
  if (result.success) return { request: result.data };
  return { complaints: result.error.issues.flatMap((issue) => complaintsOf(issue, message)) };
}

/** `__proto__` in one of the user's maps would be lost on the way, so it is refused as the field that it isn't. */
function reservedKeys(value: unknown, path: FieldPath = []): FieldComplaint[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((inner, index) => reservedKeys(inner, [...path, index]));
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '__proto__' ? [unknownField([...path, key], [])] : reservedKeys(inner, [...path, key]),
  );
}

function unknownField(path: FieldPath, known: string[]): FieldComplaint {
  const key = String(path.at(-1));
  const meant = nearest(key, known);
  const where = path.length === 1 ? '' : ` in ${pathLabel(path.slice(0, -1))}`;
  return {
    path,
    unknown: true,
    message: `unknown field ${JSON.stringify(key)}${where}`,
    hint:
      meant !== undefined
        ? `Did you mean ${meant}?`
        : known.length === 0
          ? undefined
          : `Fields known here: ${[...known].sort().join(', ')}.`,
  };
}

function complaintsOf(issue: z.core.$ZodIssue, message: unknown): FieldComplaint[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(path);
    return issue.keys.slice(0, MAX_NAMED).map((key) => unknownField([...path, key], known));
  }
  const hint =
    issue.code === 'invalid_type' && issue.expected === 'string' ? textHint(path, valueAt(message, path)) : undefined;
  const text = issue.message.replace(/^Invalid (input|option): /, '');
  return [{ path, unknown: false, message: `${pathLabel(path)}: ${text}`, hint }];
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((inner, part) => {
    if (typeof part === 'number') return Array.isArray(inner) ? inner[part] : inner; // a single value written for a list
    if (typeof inner !== 'object' || inner === null) return undefined;
    return Object.entries(inner).find(([key]) => key === part)?.[1];
  }, value);
}

/** How to write what was meant, where a text is expected. */
function textHint(path: FieldPath, value: unknown): string | undefined {
  const field = path.findLast((part) => typeof part === 'string');
  if (typeof value === 'number' && (field === 'timeout' || field === 'queueTtl')) return `Write ${value}s.`;
  if (typeof value === 'number' || typeof value === 'boolean') return `Put it in quotes: "${value}".`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [pair, ...others] = Object.entries(value);
  if (pair === undefined || others.length > 0 || typeof pair[1] === 'object') return undefined;
  return field === 'env'
    ? `Write "${pair[0]}=${pair[1]}".`
    : `A colon and a space make a map of it; put it in quotes: "${pair[0]}: ${pair[1]}".`;
}

/** Names of the fields that the schema has at this path. */
function knownFields(path: FieldPath): string[] {
  let schema: unknown = buildRequestSchema;
  for (const part of path) {
    const inner = unwrap(schema);
    if (typeof part === 'number') schema = hasElement(inner) ? inner.element : undefined;
    else schema = hasShape(inner) ? inner.shape[part] : undefined;
  }
  const object = unwrap(schema);
  return hasShape(object) ? Object.keys(object.shape) : [];
}

/** Strips `optional` and `preprocess` from a schema. */
function unwrap(schema: unknown): unknown {
  let current = schema;
  for (;;) {
    if (typeof current !== 'object' || current === null || !('def' in current)) return current;
    const def = current.def as { innerType?: unknown; out?: unknown };
    const next = def.innerType ?? def.out;
    if (next === undefined) return current;
    current = next;
  }
}

function hasShape(value: unknown): value is { shape: Record<string, unknown> } {
  return typeof value === 'object' && value !== null && 'shape' in value && typeof value.shape === 'object';
}

function hasElement(value: unknown): value is { element: unknown } {
  return typeof value === 'object' && value !== null && 'element' in value;
}

/**
 * A request from the API's JSON.
 * @throws Problem `invalid`, with the text that Google's servers use for an unknown field
 */
export function readJsonRequest(value: unknown): BuildRequest {
  const result = readRequest(value);
  if ('request' in result) return result.request;
  const [first] = result.complaints;
  if (first === undefined) throw new Problem('invalid', 'invalid build');
  if (first.unknown) {
    const name = String(first.path.at(-1));
    throw new Problem(
      'invalid',
      `Invalid JSON payload received. Unknown name ${JSON.stringify(name)} at 'build${formatPath(first.path.slice(0, -1))}': Cannot find field.`,
      { hint: first.hint },
    );
  }
  throw new Problem('invalid', `Invalid value at 'build${formatPath(first.path)}': ${first.message}`, {
    hint: first.hint,
  });
}

/** Complaints as one Problem: the first with its place, the others by name. Of an unknown field its name is meant. */
export function problemOf(
  complaints: readonly FieldComplaint[],
  placeOf: (path: FieldPath) => Place,
  placeOfKey: (path: FieldPath) => Place,
): Problem {
  const unknown = new Set(complaints.filter((complaint) => complaint.unknown).map(({ path }) => path));
  return problemOfComplaints(complaints, (path) => (unknown.has(path) ? placeOfKey(path) : placeOf(path)));
}
