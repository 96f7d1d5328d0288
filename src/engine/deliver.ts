import { randomUUID } from 'node:crypto';
import { digestOf } from '../images/digest.ts';
import type { Layer } from '../images/layer.ts';
import { throwIfCancelled } from '../lib/cancelled.ts';
import type { HeldImage } from '../stores/names/names.ts';
import type { ProjectDeps } from './deps.ts';
import type { Caller, StepReport } from './engine.ts';
import type { LayerTrees } from './layers/layer-trees.ts';
import type { StepImages } from './local/step-images.ts';
import { takeIn } from './local/take-in.ts';
import { writeOutputs } from './output/write-outputs.ts';
import type { Progress } from './progress.ts';
import { attachStatement } from './provenance/attach.ts';
import type { Material } from './provenance/materials.ts';
import { provenanceStatement } from './provenance/statement.ts';
import type { ImageBuildRequest } from './request.ts';
import type { BlobFetcher } from './transfer/fetch.ts';

/** A target that is built, and not yet known to anybody. */
export interface Delivery {
  image: HeldImage;
  layers: readonly Layer[];
  steps: readonly StepReport[];
  /** The bytes of its base: nothing was built. */
  kept: boolean;
  /** Whole references. */
  names: readonly string[];
  /** What the stage is called, where targets have to be told apart. */
  stage: string;
}

/** What is known of the build that ends. */
export interface DeliveredBuild {
  request: ImageBuildRequest;
  caller: Caller;
  room: { deps: ProjectDeps; trees: LayerTrees; fetcher: BlobFetcher };
  dockerfile: { name: string; text: string };
  /** What came from elsewhere. */
  materials: readonly Material[];
  /** Milliseconds since 1970. */
  startedAt: number;
  progress: Progress;
  stepImages: StepImages;
}

/**
 * The end of a build that succeeded: how it was made is written down, outputs are written, and when all of that is done, the
 * images get their names.
 */
export async function deliver(deliveries: readonly Delivery[], build: DeliveredBuild): Promise<void> {
  const { request, caller, room, progress, stepImages } = build;
  const { deps, trees, fetcher } = room;
  for (const delivery of deliveries) await writeProvenance(delivery, build);
  const images = deliveries.map(({ image, layers, names, stage }) => ({
    manifest: image.manifest,
    layers,
    names,
    folder: stage,
  }));
  const outputRoom = { content: deps.content, trees, fetcher };
  await writeOutputs(request.outputs ?? [], images, outputRoom, progress, caller.signal);
  throwIfCancelled(caller.signal);
  const at = deps.clock.now();
  let steps = await stepImages.written();
  for (const { image, names } of deliveries) {
    image.at = at;
    await takeIn(image, names, caller.scope, deps.names, steps);
    steps = [];
    for (const name of names) progress.begin(`naming to ${name}`).end('done');
  }
}

/** An image that kept its base's bytes was made by somebody else. */
async function writeProvenance({ image, names, steps, stage, kept }: Delivery, build: DeliveredBuild): Promise<void> {
  const { request, caller, room, dockerfile, materials, startedAt, progress } = build;
  if (request.provenance === undefined || kept) return;
  const { deps } = room;
  const now = deps.clock.now();
  const statement = provenanceStatement({
    detail: request.provenance,
    manifest: image.manifest,
    names,
    request,
    dockerfile: { name: dockerfile.name, digest: digestOf(dockerfile.text) },
    target: stage,
    platform: request.platform ?? deps.platform,
    buildPlatform: deps.platform,
    materials,
    layers: steps.flatMap(({ layer, text }) => (layer === undefined ? [] : [{ digest: layer.blob.digest, text }])),
    invocation: `${caller.scope}/${randomUUID()}`,
    startedAt,
    finishedAt: now,
  });
  const vertex = progress.begin('writing provenance');
  const { digest } = await attachStatement(statement, image.manifest, caller.scope, { ...deps, now });
  vertex.note(`attestation ${digest} refers to ${image.manifest.digest}`);
  vertex.end('done');
}
