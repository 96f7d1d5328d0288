import { posix } from 'node:path';
import { parseCacheExport, parseCacheImport } from '../../engine/options/cache.ts';
import type { CacheExport, CacheImport } from '../../engine/request.ts';
import type { DockerSession } from './command.ts';
import type { Flags } from './flags.ts';

export interface StepCaches {
  cacheFrom: CacheImport[];
  cacheTo: CacheExport[];
}

/**
 * `--cache-from` and `--cache-to` of a step, for the time of `use`: folders are the workspace's, held open so that a
 * parallel step can't put another in their place. One to read that isn't there is left to the engine to warn of.
 */
export async function withStepCaches<T>(
  flags: Flags,
  docker: DockerSession,
  use: (caches: StepCaches) => Promise<T>,
): Promise<T> {
  const cacheFrom = flags.all('cache-from').map(parseCacheImport);
  const cacheTo = flags.all('cache-to').map(parseCacheExport);
  const { files } = docker;
  const places = [
    ...cacheFrom.flatMap((cache) => (cache.kind === 'local' ? [{ cache, made: false }] : [])),
    ...cacheTo.flatMap((cache) => (cache.kind === 'local' ? [{ cache, made: true }] : [])),
  ];
  const from = async (at: number): Promise<T> => {
    const place = places[at];
    if (place === undefined) return await use({ cacheFrom, cacheTo });
    const { cache, made } = place;
    const path = posix.resolve(docker.cwd, cache.path);
    cache.name = cache.path;
    if (made) await files.makeFolder(path);
    else if ((await files.stat(path))?.kind !== 'folder') {
      docker.output.stderr(`WARNING: the cache ${cache.path} is not used: there is no such folder\n`);
      cacheFrom.splice(cacheFrom.indexOf(cache as CacheImport), 1);
      return await from(at + 1);
    }
    return await files.pinned(path, async (pinned) => {
      cache.path = pinned;
      return await from(at + 1);
    });
  };
  return await from(0);
}
