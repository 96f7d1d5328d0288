import { type Place, Problem } from '../../lib/problem.ts';
import type { FieldPath } from './field-path.ts';

/**
 * options.dynamicSubstitutions: values of substitutions may name other ones, with a default (`${_A:-${SHORT_SHA}}`).
 * Values are replaced in `values`; names that a value used count as used.
 * @throws Problem `invalid` for values that lead to themselves, `unsupported` for bash's other forms
 */
export function expandDynamic(
  values: Map<string, string>,
  keys: string[],
  used: Set<string>,
  placeOf: (path: FieldPath) => Place | undefined,
): void {
  const done = new Set<string>();
  const resolve = (key: string, trail: string[]): string => {
    const raw = values.get(key) ?? '';
    if (done.has(key) || !keys.includes(key)) return raw;
    if (trail.includes(key))
      throw new Problem(
        'invalid',
        `invalid value for 'build.substitutions': ${[...trail.slice(trail.indexOf(key)), key].join(' -> ')} lead to themselves`,
        { place: placeOf(['substitutions', key]) },
      );
    const value = expand(
      raw,
      (name) => {
        used.add(name);
        return resolve(name, [...trail, key]);
      },
      placeOf(['substitutions', key]),
    );
    values.set(key, value);
    done.add(key);
    return value;
  };
  for (const key of keys) resolve(key, []);
}

const NAME = /^[A-Z_][A-Z0-9_]*/;

function expand(text: string, lookUp: (name: string) => string, place: Place | undefined): string {
  let out = '';
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i + 1);
    const bare = NAME.exec(rest)?.[0];
    if (text[i] !== '$') out += text[i++];
    else if (rest.startsWith('$')) {
      out += '$';
      i += 2;
    } else if (bare !== undefined) {
      out += lookUp(bare);
      i += 1 + bare.length;
    } else if (rest.startsWith('{')) {
      const end = closingBrace(text, i + 1);
      if (end < 0) return out + text.slice(i);
      out += braced(text.slice(i + 2, end), lookUp, place);
      i = end + 1;
    } else out += text[i++];
  }
  return out;
}

function braced(inner: string, lookUp: (name: string) => string, place: Place | undefined): string {
  const name = NAME.exec(inner)?.[0];
  if (name === undefined) return `\${${inner}}`;
  const form = inner.slice(name.length);
  if (form === '') return lookUp(name);
  if (form.startsWith(':-')) return lookUp(name) || expand(form.slice(2), lookUp, place);
  throw new Problem('unsupported', `substitution \${${inner}}: this bash form is not supported`, {
    place,
    hint: `Supported in values of substitutions: $${name}, \${${name}} and \${${name}:-default}.`,
  });
}

/** Position of the brace that closes the one at `open`, or -1. */
function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}
