import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { importImage } from './import.ts';
import { pull } from './pull.ts';

/** `docker pull` and `docker import`, which are one path. */
export async function createImage(call: DockerCall): Promise<void> {
  if ((call.query.get('fromImage') ?? '') !== '') return await pull(call);
  if ((call.query.get('fromSrc') ?? '') !== '') return await importImage(call);
  throw new DockerError(400, 'fromImage or fromSrc is missing: nothing says what to pull or to import');
}
