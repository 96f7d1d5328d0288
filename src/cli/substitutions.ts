import { Problem } from '../lib/problem.ts';

/**
 * `K=V,K=V` as gcloud takes it, with its other separator: `^;^K=a,b;L=c`.
 * @throws Problem `invalid`
 */
export function parseSubstitutions(text: string): Record<string, string> {
  if (text === '') return {};
  const other = /^\^([^^]+)\^/.exec(text);
  const body = other === null ? text : text.slice(other[0].length);
  const found: Record<string, string> = {};
  for (const pair of body.split(other?.[1] ?? ',')) {
    const equals = pair.indexOf('=');
    if (equals <= 0)
      throw new Problem('invalid', `${JSON.stringify(pair)} is not KEY=VALUE.`, {
        hint: 'A value with commas needs another separator: --substitutions="^;^_A=1,2;_B=3".',
      });
    found[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return found;
}
