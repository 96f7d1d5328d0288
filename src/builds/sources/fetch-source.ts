import { Problem } from '../../lib/problem.ts';
import { BuildFailure } from '../run/failure.ts';
import type { BuildRun } from '../run/run-context.ts';
import type { BuildTracker } from '../run/tracker.ts';
import { fetchStorageSource } from './storage-source.ts';

/**
 * Fills the workspace from the build's source, whatever its kind, and records what exactly was fetched.
 * @throws BuildFailure FETCH_SOURCE_FAILED
 */
export async function fetchSource(run: BuildRun, tracker: BuildTracker, signal: AbortSignal): Promise<void> {
  const source = run.build.source?.storageSource;
  if (source === undefined) return;
  run.log.line('FETCHSOURCE');
  const say = (line: string) => run.log.line(line);
  try {
    await tracker.phase('FETCHSOURCE', async () => {
      const object = await fetchStorageSource(source, run.buckets, run.workspace.workspace, say, signal);
      const resolvedStorageSource = { ...source, generation: object.generation };
      await run.deps.records.update(run.build.id, ['WORKING'], { sourceProvenance: { resolvedStorageSource } });
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    throw new BuildFailure('FAILURE', 'FETCH_SOURCE_FAILED', `failed to fetch source: ${error.message}`, {
      advice: error.hint,
      cause: error,
    });
  }
}
