import type { Layer } from '../images/layer.ts';
import { Problem } from '../lib/problem.ts';
import type { LocalImage } from '../stores/names/names.ts';
import type { EngineDeps } from './deps.ts';
import type { Caller } from './engine.ts';
import type { LayerTrees } from './layers/layer-trees.ts';
import { writeOutputs } from './output/write-outputs.ts';
import type { Progress } from './progress.ts';
import type { ImageBuildRequest } from './request.ts';
import type { BlobFetcher } from './transfer/fetch.ts';

/** A target that is built, and not yet known to anybody. */
export interface Delivery {
  image: LocalImage;
  layers: readonly Layer[];
  /** Whole references. */
  names: readonly string[];
  /** What the stage is called, where targets have to be told apart. */
  stage: string;
}

export interface DeliveryRoom {
  deps: EngineDeps;
  trees: LayerTrees;
  fetcher: BlobFetcher;
}

/** The end of a build that succeeded: outputs are written, and when all of them are, the images get their names. */
export async function deliver(
  deliveries: readonly Delivery[],
  request: ImageBuildRequest,
  caller: Caller,
  { deps, trees, fetcher }: DeliveryRoom,
  progress: Progress,
): Promise<void> {
  const images = deliveries.map(({ image, layers, names, stage }) => ({
    manifest: image.manifest,
    layers,
    names,
    folder: stage,
  }));
  await writeOutputs(request.outputs ?? [], images, { content: deps.content, trees, fetcher }, progress, caller.signal);
  if (caller.signal.aborted) throw new Problem('cancelled', 'cancelled');
  const at = deps.clock.now();
  for (const { image, names } of deliveries) {
    image.at = at;
    for (const name of names) {
      await deps.names.set(caller.scope, name, image);
      progress.begin(`naming to ${name}`).end('done');
    }
  }
}
