import type { Layer } from '../../images/layer.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { Caller } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { Progress } from '../progress.ts';
import type { CacheExport, CacheImport, ImageBuildRequest } from '../request.ts';
import { BuildCache } from './build-cache.ts';
import { type ExportRoom, exportable, exportCache } from './export-cache.ts';
import type { ImportedCache } from './imported.ts';
import { inlineCache } from './inline.ts';
import { type ImportRoom, openImport } from './open-import.ts';

export interface CachesRoom extends Omit<ImportRoom, 'platform' | 'deps'>, Omit<ExportRoom, 'content'> {
  deps: ImportRoom['deps'] & ConstructorParameters<typeof BuildCache>[0]['deps'];
  trees: LayerTrees;
}

/**
 * The caches that one build reads and writes. One that can't be reached is a warning: a build never fails for its cache.
 */
export class CachesOfBuild {
  readonly cache: BuildCache;
  readonly #room: CachesRoom;
  readonly #request: ImageBuildRequest;
  readonly #caller: Caller;
  readonly #progress: Progress;
  readonly #imageLayers: Layer[] = [];

  constructor(
    request: ImageBuildRequest,
    platform: ImportRoom['platform'],
    caller: Caller,
    room: CachesRoom,
    progress: Progress,
  ) {
    this.#room = room;
    this.#request = request;
    this.#caller = caller;
    this.#progress = progress;
    const { deps, fetcher, trees } = room;
    const open = (from: CacheImport) => this.#open(from, platform);
    const imports = async () => (await Promise.all(request.cacheFrom.map(open))).filter((found) => found !== undefined);
    this.cache = new BuildCache({ deps, caller, fetcher, trees, imports });
  }

  /** What an image of these layers carries in its config, if it is to carry anything. */
  inline(layers: readonly Layer[]): string | undefined {
    this.#imageLayers.push(...layers);
    const { cacheTo = [], buildArgs } = this.#request;
    const asked = buildArgs['BUILDKIT_INLINE_CACHE'] === '1' || cacheTo.some(({ kind }) => kind === 'inline');
    return asked ? inlineCache(exportable(this.cache.records, 'min', layers), layers) : undefined;
  }

  /** Writes what the build used and made to the places that it was given. */
  async exportAll(): Promise<void> {
    for (const to of this.#request.cacheTo ?? []) if (to.kind !== 'inline') await this.#export(to);
  }

  close(): Promise<void> {
    return this.cache.close();
  }

  async #open(from: CacheImport, platform: ImportRoom['platform']): Promise<ImportedCache | undefined> {
    const name = from.kind === 'local' ? (from.name ?? from.path) : from.reference;
    const vertex = this.#progress.begin(`importing cache manifest from ${name}`);
    try {
      const imported = await openImport(from, this.#caller, { ...this.#room, platform });
      if (imported.records.length === 0 && imported.image === undefined)
        vertex.note('its history does not tell which layer is whose: nothing of it can be used');
      vertex.end('done');
      return imported;
    } catch (error) {
      this.#passOver(error, vertex, `the cache ${name} is not used`);
      return undefined;
    }
  }

  async #export(to: Exclude<CacheExport, { kind: 'inline' }>): Promise<void> {
    const name = to.kind === 'local' ? (to.name ?? to.path) : to.reference;
    const vertex = this.#progress.begin(`exporting cache to ${name}`);
    try {
      const { deps, fetcher, pusher } = this.#room;
      const records = exportable(this.cache.records, to.mode, this.#imageLayers);
      vertex.note(
        `writing ${await exportCache(to, records, this.#caller, { content: deps.content, fetcher, pusher })} done`,
      );
      vertex.end('done');
    } catch (error) {
      this.#passOver(error, vertex, `the cache ${name} was not written`);
    }
  }

  /** Only a build that is cancelled, or an error of ours, ends here. */
  #passOver(error: unknown, vertex: ReturnType<Progress['begin']>, what: string): void {
    if (this.#caller.signal.aborted || !isForeign(error)) {
      vertex.fail(error);
      throw error;
    }
    vertex.note(`WARNING: ${what}: ${messageOf(error)}`);
    vertex.end('done');
  }
}

/** The user's or the network's to mend; file errors of a folder that was named are, too. */
function isForeign(error: unknown): boolean {
  return error instanceof Problem || (error instanceof Error && 'code' in error);
}
