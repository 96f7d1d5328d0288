import { Problem } from '../../lib/problem.ts';
import type { CacheExport, CacheImport } from '../request.ts';
import { fieldsOf } from './fields.ts';

/** `--cache-from IMAGE`, `--cache-from type=registry,ref=IMAGE` or `type=local,src=FOLDER`. @throws Problem `invalid` */
export function parseCacheImport(text: string): CacheImport {
  if (!/(?:^|,)\s*type=/.test(text)) return { kind: 'registry', reference: text };
  const fields = fieldsOf(text, '--cache-from', ['type', 'ref', 'src']);
  const type = fields.get('type');
  if (type === 'registry') return { kind: 'registry', reference: needed(fields, 'ref', '--cache-from', text) };
  if (type === 'local') return { kind: 'local', path: needed(fields, 'src', '--cache-from', text) };
  throw unknownType('--cache-from', type, ['registry', 'local']);
}

/** `--cache-to type=inline`, `type=registry,ref=IMAGE[,mode=max]` or `type=local,dest=FOLDER[,mode=max]`. @throws Problem `invalid` */
export function parseCacheExport(text: string): CacheExport {
  if (text === 'inline') return { kind: 'inline' };
  const plain = !text.includes('=');
  const fields = plain
    ? new Map([
        ['type', 'registry'],
        ['ref', text],
      ])
    : fieldsOf(text, '--cache-to', ['type', 'ref', 'dest', 'mode']);
  const mode = fields.get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max')
    throw new Problem('invalid', `--cache-to ${text}: mode=${mode}`, { hint: 'mode takes min or max.' });
  const type = fields.get('type');
  if (type === 'inline') return { kind: 'inline' };
  if (type === 'registry') return { kind: 'registry', reference: needed(fields, 'ref', '--cache-to', text), mode };
  if (type === 'local') return { kind: 'local', path: needed(fields, 'dest', '--cache-to', text), mode };
  throw unknownType('--cache-to', type, ['inline', 'registry', 'local']);
}

function needed(fields: ReadonlyMap<string, string>, key: string, flag: string, text: string): string {
  const value = fields.get(key) ?? '';
  if (value === '') throw new Problem('invalid', `${flag} ${text}: ${key} is missing`);
  return value;
}

function unknownType(flag: string, type: string | undefined, known: string[]): Problem {
  return new Problem(
    type === 'gha' || type === 's3' || type === 'azblob' ? 'unsupported' : 'invalid',
    `${flag}: ${type === undefined ? 'type is missing' : `type=${type} is not known here`}`,
    { hint: `Types: ${known.join(', ')}.` },
  );
}
