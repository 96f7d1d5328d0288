import { Problem } from '../../lib/problem.ts';

/**
 * The part of Go's templates that people write behind --format: `{{.Id}}`, `{{json .Config.Env}}`,
 * `{{index .RepoDigests 0}}`, `{{len .RootFS.Layers}}`, with text around them.
 * @throws Problem `unsupported` for the rest of the language
 */
export function fillTemplate(template: string, value: unknown): string {
  return template.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_, action: string) => evaluate(action, value));
}

function evaluate(action: string, value: unknown): string {
  const match = /^(?:(json|len)\s+)?(\.[A-Za-z0-9_.]*)$/.exec(action);
  if (match?.[2] !== undefined) {
    const found = lookUp(value, match[2]);
    if (match[1] === 'json') return JSON.stringify(found) ?? 'null';
    if (match[1] === 'len')
      return String(
        typeof found === 'object' && found !== null ? Object.keys(found).length : String(found ?? '').length,
      );
    return show(found);
  }
  const index = /^index\s+(\.[A-Za-z0-9_.]*)\s+(\d+|"[^"]*")$/.exec(action);
  if (index?.[1] !== undefined && index[2] !== undefined)
    return show(member(lookUp(value, index[1]), JSON.parse(index[2])));
  throw new Problem('unsupported', `template parsing error: {{${action}}} is not supported here`, {
    hint: 'The native docker builder knows {{.A.B}}, {{json .A}}, {{len .A}} and {{index .A N}}.',
  });
}

function lookUp(value: unknown, path: string): unknown {
  return path
    .split('.')
    .filter((part) => part !== '')
    .reduce(member, value);
}

function member(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string | number, unknown>)[key]
    : undefined;
}

/** As Go prints values: lists in brackets, maps as `map[k:v]`. */
function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${key}:${show(inner)}`)
      .join(' ')}]`;
  return String(value);
}
