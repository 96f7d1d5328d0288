import { didYouMean } from '../../lib/nearest.ts';
import { Complaint } from '../complaint.ts';
import type { Word } from '../lex/nodes.ts';
import type { MountFlag } from './instruction.ts';

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'];

/** Keys that may stand alone. */
const SWITCHES = new Set(['readonly', 'ro', 'readwrite', 'rw', 'required']);

const KEYS = [
  ...['type', 'from', 'source', 'src', 'target', 'dst', 'destination', 'readonly', 'ro', 'readwrite', 'rw'],
  ...['id', 'sharing', 'required', 'size', 'mode', 'uid', 'gid', 'env'],
];

/**
 * One `--mount=type=cache,target=/x`: comma-separated fields, quoted as in CSV. Values are expanded later; a type that
 * holds a variable is checked then.
 */
export function parseMount(word: Word): MountFlag {
  const at = { ranges: [word.range] };
  const options = splitCsv(word.text).map((field): [string, string] => {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    if (!KEYS.includes(key)) throw new Complaint(`unexpected key '${key}' in '${field}'${didYouMean(key, KEYS)}`, at);
    if (equals < 0 && !SWITCHES.has(key)) throw new Complaint(`invalid field '${field}' must be a key=value pair`, at);
    return [key, equals < 0 ? 'true' : field.slice(equals + 1)];
  });
  const from = options.find(([key]) => key === 'from')?.[1];
  if (from?.includes('$'))
    throw new Complaint("'from' doesn't support variable expansion, define alias stage instead", {
      ...at,
      hint: `Above this stage: FROM ${from} AS source; and here: from=source`,
    });
  const type = options.find(([key]) => key === 'type')?.[1];
  if (type !== undefined && !type.includes('$')) checkMountType(type, word);
  // an empty `from` is none, as in BuildKit
  return { word, options: options.filter(([key, value]) => key !== 'from' || value !== '') };
}

/** @throws Complaint */
export function checkMountType(type: string, word: Word): void {
  if (!TYPES.includes(type.toLowerCase()))
    throw new Complaint(`unsupported mount type ${JSON.stringify(type)}${didYouMean(type, TYPES)}`, {
      ranges: [word.range],
      hint: `Types: ${TYPES.join(', ')}.`,
    });
}

function splitCsv(text: string): string[] {
  const fields = text.match(/("(?:[^"]|"")*"|[^,"])+/g) ?? [];
  return fields.map((field) => field.replace(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"')));
}
