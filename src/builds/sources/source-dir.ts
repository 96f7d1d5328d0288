import { Problem } from '../../lib/problem.ts';
import type { BuildRequest } from '../request/request.ts';

/**
 * Folder of the source in which steps run that name no absolute one: `dir` of whichever kind of source it is, without
 * slashes at its ends; empty for the whole.
 * @throws Problem `invalid` for one that leads out
 */
export function sourceDir(source: BuildRequest['source']): string {
  const dir =
    source?.gitSource?.dir ??
    source?.repoSource?.dir ??
    source?.connectedRepository?.dir ??
    source?.developerConnectConfig?.dir ??
    '';
  const parts = dir.split('/').filter((part) => part !== '' && part !== '.');
  if (dir.startsWith('/') || parts.includes('..') || dir.includes('\0'))
    throw new Problem('invalid', `source dir ${JSON.stringify(dir)} must be a relative path inside the repository`);
  return parts.join('/');
}
