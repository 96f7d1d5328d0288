import { posix } from 'node:path';
import { Problem } from '../../lib/problem.ts';
import type { StepFiles } from '../run/step-files.ts';
import { Wildcard } from '../run/wildcard.ts';

const WORKSPACE = '/workspace';

/**
 * Files of the workspace that a path of `artifacts.objects` means, by their path below it, sorted: those that match (`*` stays
 * within a name, `**` crosses folders) and those in folders that match. A link counts as the file that it leads to within the
 * workspace; folders behind links are not walked, and what is neither file nor folder is passed over.
 * @throws Problem `invalid` for a path that leads out of the workspace
 */
export async function matchFiles(pattern: string, files: StepFiles, signal: AbortSignal): Promise<string[]> {
  const relative = posix.relative(WORKSPACE, posix.resolve(WORKSPACE, pattern));
  if (relative.startsWith('..'))
    throw new Problem('invalid', `artifact path ${JSON.stringify(pattern)} lies outside of ${WORKSPACE}`, {
      hint: `Only what lies in ${WORKSPACE} is there when the steps have ended: copy it there in a step.`,
    });
  const test = Wildcard.gsutil(relative);
  const levels = relative.includes('**') ? Number.POSITIVE_INFINITY : relative.split('/').length;
  const found: string[] = [];
  const visit = async (folder: string, matched: boolean): Promise<void> => {
    signal.throwIfAborted();
    for (const { name, info } of await files.list(posix.join(WORKSPACE, folder))) {
      const path = posix.join(folder, name);
      const chosen = matched || test.test(path);
      if (info.kind === 'folder') {
        if (chosen || path.split('/').length < levels) await visit(path, chosen);
      } else if (chosen && (info.kind === 'file' || (await files.stat(posix.join(WORKSPACE, path)))?.kind === 'file'))
        found.push(path);
    }
  };
  await visit('', relative === '');
  return found;
}
