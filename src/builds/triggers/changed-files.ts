import { type Glob, matchesGlob, parseGlob } from '../../dockerfile/glob.ts';
import { messageOf, Problem } from '../../lib/problem.ts';

/** Patterns of includedFiles and ignoredFiles: Go's filepath.Match, with `**` for any depth. @throws Problem `invalid` */
export function fileGlobs(patterns: readonly string[] | undefined, field: string): Glob[] {
  return (patterns ?? []).map((pattern) => {
    try {
      return parseGlob(pattern, { deep: true });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new Problem('invalid', `${field}: ${messageOf(error)}`, {
        hint: 'For example src/**, *.md or docs/[a-c]*.',
      });
    }
  });
}

/**
 * Why these changes start no build, or undefined when they do. Ignored files are left out first; of the others one has to
 * be included, if anything is. Changes that nobody knows (a new branch, a lost history) count as wanted.
 */
export function unwantedChanges(
  filter: { includedFiles?: readonly string[] | undefined; ignoredFiles?: readonly string[] | undefined },
  changed: readonly string[] | undefined,
): string | undefined {
  if (changed === undefined) return undefined;
  const included = fileGlobs(filter.includedFiles, 'includedFiles');
  const ignored = fileGlobs(filter.ignoredFiles, 'ignoredFiles');
  const left = changed.filter((path) => !ignored.some((glob) => matchesGlob(glob, path)));
  const files = changed.length === 1 ? '1 changed file' : `${changed.length} changed files`;
  if (left.length === 0 && ignored.length > 0)
    return changed.length === 0
      ? 'no file changed'
      : `all changed files match ignoredFiles ${(filter.ignoredFiles ?? []).join(', ')} (${shown(changed)})`;
  if (included.length === 0 || left.some((path) => included.some((glob) => matchesGlob(glob, path)))) return undefined;
  const after = left.length === changed.length ? '' : ' that ignoredFiles leave';
  return `none of the ${files}${after} matches includedFiles ${(filter.includedFiles ?? []).join(', ')} (${shown(left)})`;
}

function shown(paths: readonly string[]): string {
  const more = paths.length - 3;
  return `${paths.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
