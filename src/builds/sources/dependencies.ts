import { mkdtemp, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFoldersBelow, placeBelow } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import type { BuildRequest } from '../request/request.ts';
import type { BuildRun } from '../run/run-context.ts';
import { connectedRepository } from './connected-repository.ts';
import { SourceGit } from './git-source.ts';

type Dependency = NonNullable<BuildRequest['dependencies']>[number];
type GitDependency = NonNullable<Dependency['gitSource']>;

const ROOT_OWNED = { mode: 0o755, uid: 0, gid: 0 };

/** `dependencies: [{empty: true}]` says that nothing is fetched, the source neither. */
export function fetchesNothing(dependencies: readonly Dependency[]): boolean {
  return dependencies.some(({ empty }) => empty === true);
}

/**
 * Brings the repositories that a build needs beside its source, one after the other, each to its place in the workspace.
 * @throws Problem `invalid` for a place that is taken or leads out, and as git's
 */
export async function fetchDependencies(run: BuildRun, signal: AbortSignal): Promise<void> {
  for (const [index, { gitSource }] of (run.build.dependencies ?? []).entries())
    if (gitSource !== undefined) await fetchOne(run, gitSource, `dependencies[${index}].gitSource`, signal);
}

async function fetchOne(run: BuildRun, dependency: GitDependency, where: string, signal: AbortSignal): Promise<void> {
  const { repository, revision, destPath = '', recurseSubmodules, depth = '1' } = dependency;
  const place = placeIn(destPath, where);
  const levels = depth === '-1' ? 'all' : Number(depth) || 1;
  if (levels !== 'all' && levels < 0)
    throw new Problem('invalid', `${where}.depth is ${depth}: a number of commits, or -1 for all`);
  const source =
    repository?.developerConnect !== undefined
      ? await connectedRepository(run, repository.developerConnect)
      : { url: repository?.url ?? '' };
  if (source.url === '') throw new Problem('invalid', `${where}.repository names neither url nor developerConnect`);
  const folder = await mkdtemp(join(run.workspace.root, 'dependency-'));
  try {
    const copy = join(folder, 'copy');
    await new SourceGit(run, signal).fetch({ ...source, revision }, copy, {
      depth: levels,
      submodules: recurseSubmodules === true ? 'must' : 'none',
    });
    await put(copy, run.workspace.workspace, place, where);
  } finally {
    await removeTree(folder);
  }
}

/** Relative to /workspace, below it. */
function placeIn(destPath: string, where: string): string {
  const parts = destPath
    .replace(/^\/workspace(?=\/|$)/, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || destPath.includes('\0') || /^\/(?!workspace\/)/.test(destPath))
    throw new Problem('invalid', `${where}.destPath ${JSON.stringify(destPath)} is no folder below /workspace`);
  return parts.join('/');
}

/** The source may hold links on the way: they are followed inside the workspace alone. */
async function put(copy: string, workspace: string, place: string, where: string): Promise<void> {
  try {
    await makeFoldersBelow(workspace, dirname(place), ROOT_OWNED);
    await placeBelow(workspace, place, async (path) => {
      await rmdir(path).catch((error: unknown) => {
        if (!hasErrorCode(error, 'ENOENT')) throw error;
      });
      await rename(copy, path);
    });
  } catch (error) {
    if (!hasErrorCode(error, 'ENOTEMPTY', 'ENOTDIR', 'EEXIST', 'ELOOP')) throw error;
    throw new Problem('invalid', `${where}.destPath ${place} is taken by the source`, { cause: error });
  }
}
