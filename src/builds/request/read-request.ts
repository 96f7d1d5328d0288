import type { z } from 'zod';
import { nearest } from '../../lib/nearest.ts';
import { type Place, Problem } from '../../lib/problem.ts';
import { type FieldPath, formatPath } from './field-path.ts';
import { type BuildRequest, buildRequestSchema } from './request.ts';

/** A complaint about one field of a request, before anybody knows whether it came as JSON or in a file. */
export interface FieldComplaint {
  path: FieldPath;
  /** `unknown`: there is no such field; `value`: the field is there but its value isn't right. */
  kind: 'unknown' | 'value';
  message: string;
  hint?: string | undefined;
}

export type ReadResult = { request: BuildRequest } | { complaints: FieldComplaint[] };

/** Parts whose keys are the user's own words: they keep their spelling. */
const OWN_KEYS = new Set(['substitutions', 'envMap', 'env_map']);

/** The deepest field of the API stands at 6; deeper input would only use up the stack. */
const MAX_DEPTH = 30;

/** Keys as the API spells them: `wait_for` becomes `waitFor`, at every depth but in the user's own maps. */
function camelise(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new Problem('invalid', `the build is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((inner) => camelise(inner, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    /^[a-z]+(?:_[a-z0-9]+)+$/.test(key)
      ? key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
      : key,
    OWN_KEYS.has(key) || (key === 'secretEnv' && !Array.isArray(inner)) ? inner : camelise(inner, depth + 1),
  ]);
  // fromEntries defines own properties, so a key `__proto__` stays an (unknown) field and changes no prototype
  return Object.fromEntries(entries);
}

/** Checks shape and spelling; what the values mean is validate.ts's. @throws Problem `invalid` for absurd depth */
export function readRequest(value: unknown): ReadResult {
  const result = buildRequestSchema.safeParse(camelise(value));
  if (result.success) return { request: result.data };
  return { complaints: result.error.issues.flatMap(complaintsOf) };
}

function complaintsOf(issue: z.core.$ZodIssue): FieldComplaint[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(path);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      return {
        path: [...path, key],
        kind: 'unknown',
        message: `unknown field ${JSON.stringify(key)}${path.length === 0 ? '' : ` in ${formatPath(path).slice(1)}`}`,
        hint: meant === undefined ? `Fields known here: ${[...known].sort().join(', ')}.` : `Did you mean ${meant}?`,
      };
    });
  }
  const hint =
    issue.code === 'invalid_type' && issue.expected === 'string'
      ? 'Numbers and true or false need quotes where a text is expected.'
      : undefined;
  const message = issue.message.replace(/^Invalid (input|option): /, '');
  return [{ path, kind: 'value', message: `${formatPath(path).slice(1)}: ${message}`, hint }];
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
  if (first.kind === 'unknown') {
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

/** Complaints as one Problem: the first with its place, the others by name. */
export function problemOf(
  complaints: FieldComplaint[],
  placeOf: (path: FieldPath, key?: boolean) => Place | undefined,
): Problem {
  const [first, ...others] = complaints;
  const more = others.map((complaint) => {
    const place = placeOf(complaint.path, complaint.kind === 'unknown')?.ranges[0];
    return `${complaint.message}${place === undefined ? '' : ` (line ${place.line})`}`;
  });
  const hint = [first?.hint, more.length === 0 ? undefined : `Also:\n  ${more.join('\n  ')}`].filter(
    (line) => line !== undefined,
  );
  return new Problem('invalid', first?.message ?? 'invalid build', {
    place: first === undefined ? undefined : placeOf(first.path, first.kind === 'unknown'),
    hint: hint.length === 0 ? undefined : hint.join('\n'),
  });
}
