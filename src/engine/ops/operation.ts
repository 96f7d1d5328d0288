import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { Place } from '../../lib/problem.ts';
import type { BuildCache } from '../cache/build-cache.ts';
import type { ContextFiles } from '../context/context-files.ts';
import type { EngineDeps } from '../deps.ts';
import type { CacheOrigin, Caller } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { Vertex } from '../progress.ts';
import type { ImageBuildRequest } from '../request.ts';
import type { TreeMounts } from '../snapshots/tree-mounts.ts';
import type { BuildSources } from '../sources/build-sources.ts';

/** How a stage looks after so many operations. */
export interface StageState {
  /** The lowest first. */
  layers: readonly Layer[];
  /** Identity of the file tree for keys: times and encoders don't count. */
  chain: string;
  /** Identity of the base that the stage began with, for the explanation of a miss. */
  base: string;
  /** The base as a person knows it: name and first digits of its digest. */
  baseName?: string | undefined;
  /** The last operation that made a layer, for the explanation of a miss further up. */
  below?: string | undefined;
  /** Date of the base image; folders that the build itself makes carry it. Nanoseconds. */
  madeNs: bigint;
}

/** What an operation did. */
export interface OperationResult {
  status: 'cached' | 'ran';
  /** Absent when no file changed. */
  layer?: Layer | undefined;
  contentDigest?: Digest | undefined;
  /** Why it was not cached. */
  reason?: string | undefined;
  /** What the reason is about, line by line. */
  details?: string[] | undefined;
  /** The build that made it, or the one that the reason compares with. */
  since?: CacheOrigin | undefined;
  /** When the layer was made, by this build or an earlier one. */
  createdAt: number;
}

/** What operations of one build work with. */
export interface OperationServices {
  deps: EngineDeps;
  request: ImageBuildRequest;
  caller: Caller;
  /** The project's layer cache, and those that the build was told to look into. */
  cache: BuildCache;
  /** Why nothing is looked up for this stage; absent: everything is. */
  cacheOff?: string | undefined;
  /** The caller's signal, or an earlier end because another stage failed. */
  signal: AbortSignal;
  context: ContextFiles;
  /** What ADD fetches from elsewhere. */
  sources: Pick<BuildSources, 'git' | 'web' | 'folder' | 'materials'>;
  trees: LayerTrees;
  mounts: TreeMounts;
  /** The finished state of a stage that this one copies from; waits for it. */
  stage: (index: number) => Promise<StageState>;
  /** An image that COPY --from names. */
  image: (reference: string, place: Place) => Promise<StageState>;
  /** What `--build-context` gives under a name, opened when it is first asked for, and closed when the build ends. */
  namedContext: (name: string, place: Place) => Promise<NamedTree>;
}

/** A named context: layers, as of a stage, or files like those of the build context. */
export type NamedTree = { kind: 'layers'; state: StageState } | { kind: 'files'; files: ContextFiles };

/** Where an operation stands. */
export interface OperationPlace {
  /** `<dockerfile>#<stage>#<n>`: the same place in a later version of the file. */
  position: string;
  /** `created_by` of the base, of every instruction so far, and of this one: what an image is recognised by. */
  history: () => string[];
  vertex: Vertex;
}
