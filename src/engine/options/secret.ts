import { basename } from 'node:path';
import { Problem } from '../../lib/problem.ts';
import { fieldsOf, parseFields } from './fields.ts';

/** Bytes; docker's limit, because secrets travel and lie in memory. */
export const SECRET_LIMIT = 500 << 10;

/** `--secret` as written: the one who reads it knows whose files and environment are meant. */
export type SecretFlag = { id: string } & ({ file: string } | { env: string });

/** `--secret id=ID[,src=FILE|,env=NAME]`; without a source, an environment variable of that name, or else a file. @throws Problem `invalid` */
export function parseSecret(text: string, env: Readonly<Record<string, string | undefined>>): SecretFlag {
  const fields = fieldsOf(text, '--secret', ['type', 'id', 'src', 'source', 'env']);
  const type = fields.get('type');
  if (type !== undefined && type !== 'file' && type !== 'env')
    throw new Problem('invalid', `--secret ${text}: type=${type}`, { hint: 'type takes file or env.' });
  const source = fields.get('src') ?? fields.get('source');
  const id = fields.get('id') ?? (source === undefined ? undefined : basename(source));
  if (id === undefined || id === '')
    throw new Problem('invalid', `--secret ${text}: id is missing`, {
      hint: 'For example --secret id=token,src=token.txt',
    });
  const named = fields.get('env') ?? (type === 'env' ? (source ?? id) : undefined);
  if (named !== undefined) return { id, env: named };
  if (source !== undefined) return { id, file: source };
  return env[id] === undefined ? { id, file: id } : { id, env: id };
}

/** `--ssh default`, `--ssh ID=SOCKET` or `--ssh ID=KEY,KEY`. @throws Problem `invalid` */
export function parseSsh(text: string): { id: string; paths: string[] } {
  const [first, ...more] = parseFields(text, '--ssh');
  const [key, value] = first ?? ['', ''];
  const id = key === '' ? value : key;
  if (id === '')
    throw new Problem('invalid', `--ssh ${text}: an id is expected`, { hint: 'For example --ssh default' });
  const paths = [...(key === '' ? [] : [value]), ...more.map(([, path]) => path)];
  return { id, paths: paths.filter((path) => path !== '') };
}
