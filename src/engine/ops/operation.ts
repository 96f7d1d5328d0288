import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { Place } from '../../lib/problem.ts';
import type { BuildContext } from '../context/build-context.ts';
import type { EngineDeps } from '../deps.ts';
import type { Caller } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { Vertex } from '../progress.ts';
import type { ImageBuildRequest } from '../request.ts';
import type { TreeMounts } from '../snapshots/tree-mounts.ts';

/** How a stage looks after so many operations. */
export interface StageState {
  /** The lowest first. */
  layers: readonly Layer[];
  /** Identity of the file tree for keys: times and encoders don't count. */
  chain: string;
  /** Identity of the base that the stage began with, for the explanation of a miss. */
  base: string;
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
  /** The latest build of the same place, which the reason compares with. */
  since?: { build: string; at: number } | undefined;
  /** When the layer was made, by this build or an earlier one. */
  createdAt: number;
}

/** What operations of one build work with. */
export interface OperationServices {
  deps: EngineDeps;
  request: ImageBuildRequest;
  caller: Caller;
  /** The caller's signal, or an earlier end because another stage failed. */
  signal: AbortSignal;
  context: BuildContext;
  trees: LayerTrees;
  mounts: TreeMounts;
  /** The finished state of a stage that this one copies from; waits for it. */
  stage: (index: number) => Promise<StageState>;
  /** An image that COPY --from names. */
  image: (reference: string, place: Place) => Promise<StageState>;
}

/** Where an operation stands. */
export interface OperationPlace {
  /** `<dockerfile>#<stage>#<n>`: the same place in a later version of the file. */
  position: string;
  vertex: Vertex;
}
