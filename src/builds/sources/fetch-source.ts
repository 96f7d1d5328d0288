import { closeSync, constants } from 'node:fs';
import { withoutPassword } from '../../engine/sources/shown-url.ts';
import { openBelow } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { SourceProvenance } from '../build.ts';
import { projectNumber } from '../project-number.ts';
import { BuildFailure } from '../run/failure.ts';
import type { BuildRun } from '../run/run-context.ts';
import type { BuildTracker } from '../run/tracker.ts';
import { connectedRepository } from './connected-repository.ts';
import { fetchDependencies, fetchesNothing } from './dependencies.ts';
import { hashesOfFolder, hashesOfObject, hashTypes } from './file-hashes.ts';
import { type Repository, SourceGit } from './git-source.ts';
import { fetchManifestSource } from './manifest-source.ts';
import { chooseRef, type RepoSource, repoRevision } from './repo-source.ts';
import { unpackSnapshot } from './snapshot-source.ts';
import { sourceDir } from './source-dir.ts';
import { fetchStorageSource } from './storage-source.ts';

/**
 * Fills the workspace from the build's source, whatever its kind, then from its dependencies, and records what exactly was
 * fetched.
 * @throws BuildFailure FETCH_SOURCE_FAILED
 */
export async function fetchSource(run: BuildRun, tracker: BuildTracker, signal: AbortSignal): Promise<void> {
  const { source, dependencies = [] } = run.build;
  if (fetchesNothing(dependencies)) return;
  if ((source === undefined || Object.keys(source).length === 0) && dependencies.length === 0) return;
  run.log.line('FETCHSOURCE');
  try {
    await tracker.phase('FETCHSOURCE', async () => {
      const sourceProvenance = await fetchMain(run, signal);
      if (Object.keys(sourceProvenance).length > 0)
        await run.deps.records.update(run.build.id, ['WORKING'], { sourceProvenance });
      await fetchDependencies(run, signal);
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    throw new BuildFailure('FAILURE', 'FETCH_SOURCE_FAILED', `failed to fetch source: ${error.message}`, {
      advice: error.hint,
      cause: error,
    });
  }
}

async function fetchMain(run: BuildRun, signal: AbortSignal): Promise<SourceProvenance> {
  const { source = {}, options } = run.build;
  const { buckets, workspace } = run;
  const say = (line: string) => run.log.line(line);
  const types = hashTypes(options);
  if (source.storageSource !== undefined) {
    const object = await fetchStorageSource(
      source.storageSource,
      buckets,
      workspace.workspace,
      say,
      signal,
      async (root) => {
        const parts = run.deps.sources?.snapshots;
        if (parts === undefined) throw new Problem('unsupported', 'this server takes archives alone');
        return await unpackSnapshot(run.build.projectId, root, workspace.workspace, parts, signal);
      },
    );
    return {
      resolvedStorageSource: { ...source.storageSource, generation: object.generation },
      ...(types.length === 0 ? {} : { fileHashes: await hashesOfObject(object, buckets, types) }),
    };
  }
  if (source.storageSourceManifest !== undefined) {
    const object = await fetchManifestSource(source.storageSourceManifest, buckets, workspace.workspace, say, signal);
    return {
      resolvedStorageSourceManifest: { ...source.storageSourceManifest, generation: object.generation },
      ...(types.length === 0 ? {} : { fileHashes: await hashesOfObject(object, buckets, types) }),
    };
  }
  const resolved = await fetchRepository(run, signal);
  if (resolved === undefined || types.length === 0) return resolved ?? {};
  const fileHashes = await hashesOfFolder(workspace.workspace, types);
  if (fileHashes === undefined) say('The source has too many files to record their hashes; its commit is recorded.');
  return { ...resolved, ...(fileHashes === undefined ? {} : { fileHashes }) };
}

/** The kinds that are repositories, as what they were resolved to. */
async function fetchRepository(run: BuildRun, signal: AbortSignal): Promise<SourceProvenance | undefined> {
  const { gitSource, repoSource, connectedRepository: connected, developerConnectConfig } = run.build.source ?? {};
  if (gitSource !== undefined) {
    const { revision } = gitSource;
    const commit = await checkOut(run, { url: gitSource.url, revision }, signal);
    return { resolvedGitSource: { ...gitSource, url: withoutPassword(gitSource.url), revision: commit } };
  }
  if (repoSource !== undefined) {
    const { branchName: _, tagName: __, invertRegex: ___, substitutions: ____, ...rest } = repoSource;
    return { resolvedRepoSource: { ...rest, commitSha: await fetchRepoSource(run, repoSource, signal) } };
  }
  if (connected !== undefined) {
    const repository = await connectedRepository(run, connected.repository);
    const commit = await checkOut(run, { ...repository, revision: connected.revision }, signal);
    return { resolvedConnectedRepository: { ...connected, revision: commit } };
  }
  if (developerConnectConfig !== undefined) {
    // the API has no field for what such a link was resolved to
    const repository = await connectedRepository(run, developerConnectConfig.gitRepositoryLink);
    const revision = await checkOut(run, { ...repository, revision: developerConnectConfig.revision }, signal);
    return { resolvedGitSource: { url: repository.url, revision } };
  }
  return undefined;
}

async function fetchRepoSource(run: BuildRun, source: RepoSource, signal: AbortSignal): Promise<string> {
  const name = source.repoName ?? '';
  const { projectId } = source;
  const own = run.build.projectId;
  if (projectId !== undefined && !['', own, projectNumber(own)].includes(projectId))
    throw new Problem('denied', `repository ${name} is project ${projectId}'s; this build runs in ${own}`);
  const wanted = repoRevision(source);
  const repository = await connectedRepository(run, name);
  if ('commit' in wanted) return checkOut(run, { ...repository, revision: wanted.commit }, signal);
  const names = await new SourceGit(run, signal).names(repository, wanted.kind);
  const chosen = chooseRef(wanted, [...names.keys()], name);
  return checkOut(run, { ...repository, revision: `refs/${wanted.kind}/${chosen}` }, signal);
}

/** @returns the commit that the workspace holds now */
async function checkOut(run: BuildRun, repository: Repository, signal: AbortSignal): Promise<string> {
  const dir = sourceDir(run.build.source);
  const { workspace } = run.workspace;
  // as the hosted service does, but for submodules, which it leaves to a step: where they can be had, they are there
  const commit = await new SourceGit(run, signal).fetch(repository, workspace, { depth: 1, submodules: 'try' });
  try {
    closeSync(openBelow(workspace, dir, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
    throw new Problem('not-found', `${withoutPassword(repository.url)} has no folder ${dir} at ${commit}`, {
      hint: 'dir of the source is the folder in which the steps run, from the root of the repository.',
    });
  }
  return commit;
}
