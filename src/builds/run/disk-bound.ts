import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../lib/bytes.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { run } from '../../lib/run.ts';
import { BuildFailure } from './failure.ts';

/** Between two looks; a look that took long is followed by a longer rest, so that they cost a twentieth at most. Milliseconds. */
const PAUSE_MS = 1000;
const REST = 20;

/**
 * Looks how much a build has written, and ends it when that is more than it may. `du` does the looking: it follows no link
 * and leaves no file system, whatever a step does meanwhile. Between two looks a build can be over its bound by as much as
 * it writes in that time.
 * @param folder of the build
 * @param end given the failure, once
 * @returns what ends the looking
 */
export function boundDisk(folder: string, most: number, end: (failure: BuildFailure) => void): () => Promise<void> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    const started = performance.now();
    const used = await sizeOf(folder, stop.signal);
    if (stop.signal.aborted) return;
    if (used > most) return end(await overflow(folder, used, most, stop.signal));
    plan((performance.now() - started) * REST);
  };
  const plan = (ms: number) => {
    timer = setTimeout(
      () => {
        looking = look().catch((error: unknown) => {
          if (!stop.signal.aborted) log.warn({ folder, error: messageOf(error) }, 'the size of a build is not known');
        });
      },
      Math.max(PAUSE_MS, ms),
    );
    timer.unref();
  };
  plan(0);
  return async () => {
    stop.abort();
    clearTimeout(timer);
    await looking;
  };
}

/** Files come and go while it looks, which is no failure. */
async function sizeOf(folder: string, signal: AbortSignal): Promise<number> {
  const { stdout } = await run('du', ['-sxB1', folder], { signal });
  return Number.parseInt(stdout, 10) || 0;
}

async function overflow(folder: string, used: number, most: number, signal: AbortSignal): Promise<BuildFailure> {
  const parts: [name: string, size: number][] = [];
  for (const name of await readdir(folder)) parts.push([name, await sizeOf(join(folder, name), signal)]);
  const [largest] = parts.sort(([, a], [, b]) => b - a);
  const where =
    largest === undefined ? '' : ` (${formatBytes(largest[1])} of it in ${PLACES[largest[0]] ?? largest[0]})`;
  return new BuildFailure(
    'FAILURE',
    'USER_BUILD_STEP',
    `no space left: the build's files take ${formatBytes(used)}${where}, and it may use ${formatBytes(most)}`,
    {
      advice:
        'Remove in a step what later steps do not need, or ask for more: options.diskSizeGb, --disk-size, or builds.disk of slipway.yaml.',
    },
  );
}

/** Folders of a build, as its steps know them. */
const PLACES: Partial<Record<string, string>> = {
  workspace: '/workspace',
  home: '/builder/home',
  outputs: '/builder/outputs',
  volumes: 'volumes',
  steps: 'the root file systems of steps',
  docker: 'containers of docker run',
};
