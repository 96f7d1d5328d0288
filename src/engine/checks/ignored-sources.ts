import type { Remark } from '../../dockerfile/checks/warnings.ts';
import { isRemoteSource } from '../../dockerfile/interpret/remote-source.ts';
import type { CopyOperation } from '../../dockerfile/program.ts';
import type { ContextFiles } from '../context/context-files.ts';
import { nameMatcher } from '../context/match-name.ts';
import { expandGlob, isGlob } from '../context/select.ts';

/**
 * CopyIgnoredFile: a source that the ignore file keeps out of the context. BuildKit looks at the name alone; here a folder
 * below which something is let in again is none, nor is a glob that also matches other files.
 */
export function checkIgnoredSources(
  { kind, from, sources, place }: CopyOperation,
  context: Pick<ContextFiles, 'tree' | 'exclusion' | 'whyExcluded'>,
  remark: Remark,
): void {
  if (from.kind !== 'context') return;
  const { tree, exclusion } = context;
  const gone = (path: string) => path !== '.' && exclusion.excludes(path) && exclusion.prunes(path);
  const matches = nameMatcher();
  for (const source of sources) {
    if (kind === 'add' && isRemoteSource(source)) continue;
    const path = source.replace('/./', '/');
    const paths = isGlob(path) ? expandGlob(tree, path, matches) : [path];
    if (paths.length === 0 || !paths.every(gone)) continue;
    const [first = path] = paths;
    remark(
      'CopyIgnoredFile',
      `Attempting to ${kind === 'add' ? 'Add' : 'Copy'} file ${JSON.stringify(source)} that is excluded by .dockerignore`,
      place.ranges,
      { text: context.whyExcluded(first) ?? 'Change the ignore file, or leave this source out' },
    );
  }
}
