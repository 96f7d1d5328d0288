import { GcloudError } from './command.ts';

/** Fields by gcloud's names, in its order. */
export type Fields = Record<string, string | number | boolean | undefined>;

/** Whether a --format is among those that `formatFields` knows. */
export function isKnownFormat(format: string | undefined): boolean {
  return format === undefined || /^(?:yaml|json|value\([a-z_]+(?:\s*,\s*[a-z_]+)*\))$/i.test(format);
}

/** As gcloud prints a resource: YAML with sorted keys, JSON, or `value(a,b)` with tabs between. */
export function formatFields(fields: Fields, format: string | undefined): string[] {
  const known = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (format === undefined || format === 'yaml') return known.map(([key, value]) => `${key}: ${yamlText(value)}`);
  if (format === 'json') return JSON.stringify(Object.fromEntries(known), null, 2).split('\n');
  const names = /^value\((.*)\)$/i.exec(format)?.[1];
  if (names === undefined) throw new GcloudError(`--format=${format} is not served here`);
  return [
    names
      .split(',')
      .map((name) => String(fields[name.trim()] ?? ''))
      .join('\t'),
  ];
}

/** Texts that YAML would take for something else stand in quotes. */
function yamlText(value: Fields[string]): string {
  const text = String(value);
  if (typeof value !== 'string') return text;
  return text === '' || /^[\d.+-]+$|^(?:true|false|null|yes|no|on|off|~)$|^[\s@`&*!|>%'"#[{?-]|[:#]\s|\s$/i.test(text)
    ? `'${text.replaceAll("'", "''")}'`
    : text;
}
