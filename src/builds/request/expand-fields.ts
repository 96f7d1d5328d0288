import type { FieldPath } from './field-path.ts';
import type { BuildRequest } from './request.ts';

export type Expand = (text: string, path: FieldPath) => string;

/** Fields that hold words of the API, other builds' names or program text, and are never expanded. */
const LITERAL = new Set(['script', 'id', 'waitFor', 'timeout', 'queueTtl', 'substitutions', 'secretEnv', 'envMap']);

/**
 * Every text of a request expanded but for those of the API's own words: what the hosted service documents (name, args,
 * env, dir, entrypoint, volumes; images, tags, logsBucket, serviceAccount; options.env, volumes, pool; secrets' version
 * names; all of source, dependencies and artifacts) is nearly all texts, and the rest holds no dollar.
 */
export function expandFields(request: BuildRequest, expand: Expand): BuildRequest {
  return walk(request, [], expand) as BuildRequest;
}

function walk(value: unknown, path: FieldPath, expand: Expand): unknown {
  if (typeof value === 'string') return value.includes('$') ? expand(value, path) : value;
  if (Array.isArray(value)) return value.map((inner, index) => walk(inner, [...path, index], expand));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, LITERAL.has(key) ? inner : walk(inner, [...path, key], expand)]),
  );
}
