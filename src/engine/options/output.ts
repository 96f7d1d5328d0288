import { Problem } from '../../lib/problem.ts';
import { fieldsOf } from './fields.ts';

/** `--output` as written: where files go, before anyone has opened them. */
export interface OutputFlag {
  kind: 'local' | 'tar' | 'oci' | 'docker' | 'image';
  /** A path as written, or `-` for standard output; absent for `image`. */
  dest?: string | undefined;
  /** Only of `image`: `push=true`. */
  push: boolean;
  /** Only of `image`: `name=`, another tag. */
  name?: string | undefined;
}

const KINDS = ['local', 'tar', 'oci', 'docker', 'image', 'registry'];

/** `--output FOLDER`, `--output -` (a tar), `--output type=oci,dest=FILE` ... @throws Problem `invalid` */
export function parseOutput(text: string): OutputFlag {
  if (text === '-') return { kind: 'tar', dest: '-', push: false };
  if (!text.includes('=')) return { kind: 'local', dest: text, push: false };
  const fields = fieldsOf(text, '--output', ['type', 'dest', 'name', 'push']);
  const type = fields.get('type') ?? '';
  if (!KINDS.includes(type))
    throw new Problem('invalid', `--output ${text}: type=${type}`, { hint: `Types: ${KINDS.join(', ')}.` });
  const name = fields.get('name');
  if (type === 'registry' || type === 'image')
    return { kind: 'image', push: type === 'registry' || fields.get('push') === 'true', name };
  const dest = fields.get('dest') ?? (type === 'local' ? undefined : '-');
  if (dest === undefined || dest === '')
    throw new Problem('invalid', `--output ${text}: dest is missing`, { hint: 'dest=FOLDER says where the files go.' });
  if (type === 'local' && dest === '-') throw new Problem('invalid', `--output ${text}: dest has to be a folder`);
  return { kind: type as 'local' | 'tar' | 'oci' | 'docker', dest, push: false, name };
}
