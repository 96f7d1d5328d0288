import { Problem } from '../../lib/problem.ts';
import { fieldsOf } from './fields.ts';

/** `--output` as written: where files go, before anyone has opened them. */
export type OutputFlag =
  | { kind: 'local'; dest: string }
  /** `dest` is a path as written, or `-` for standard output; `names` are the archive's images' besides their tags. */
  | { kind: 'tar' | 'oci' | 'docker'; dest: string; names: string[] }
  | { kind: 'image'; push: boolean; names: string[] };

const KINDS = ['local', 'tar', 'oci', 'docker', 'image', 'registry'];
const KEYS = ['type', 'dest', 'name', 'push', 'rewrite-timestamp'];

/** `--output FOLDER`, `--output -` (a tar), `--output type=oci,dest=FILE` ... @throws Problem `invalid` */
export function parseOutput(text: string): OutputFlag {
  if (text === '-') return { kind: 'tar', dest: '-', names: [] };
  if (!text.includes('=')) return { kind: 'local', dest: text };
  const fields = fieldsOf(text, '--output', KEYS);
  const type = fields.get('type') ?? '';
  if (!KINDS.includes(type))
    throw new Problem('invalid', `--output ${text}: type=${type}`, { hint: `Types: ${KINDS.join(', ')}.` });
  if (!isTrue(fields, 'rewrite-timestamp', text, true))
    throw new Problem('invalid', `--output ${text}: times are always those of SOURCE_DATE_EPOCH where that is given`, {
      hint: 'Leave rewrite-timestamp out; without SOURCE_DATE_EPOCH no time is rewritten.',
    });
  const names = (fields.get('name') ?? '').split(',').filter((name) => name !== '');
  const push = isTrue(fields, 'push', text, type === 'registry');
  if (type === 'registry' || type === 'image') {
    if (fields.has('dest')) throw new Problem('invalid', `--output ${text}: an image is named, not written to a file`);
    return { kind: 'image', push, names };
  }
  if (push) throw new Problem('invalid', `--output ${text}: only an image can be pushed`);
  const dest = fields.get('dest') ?? (type === 'local' ? '' : '-');
  if (dest === '')
    throw new Problem('invalid', `--output ${text}: dest is missing`, { hint: 'dest=FOLDER says where the files go.' });
  if (type !== 'local') return { kind: type as 'tar' | 'oci' | 'docker', dest, names };
  if (dest === '-') throw new Problem('invalid', `--output ${text}: dest has to be a folder`);
  return { kind: 'local', dest };
}

function isTrue(fields: ReadonlyMap<string, string>, key: string, text: string, absent: boolean): boolean {
  const value = fields.get(key);
  if (value === undefined) return absent;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new Problem('invalid', `--output ${text}: ${key}=${value}`, { hint: `${key} takes true or false.` });
}
