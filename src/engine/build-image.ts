import type { BuildInputs, StagePlan } from '../dockerfile/program.ts';
import { parseDockerfile, planStages } from '../dockerfile/stages.ts';
import type { Platform } from '../images/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../images/reference.ts';
import { type Place, Problem } from '../lib/problem.ts';
import type { LocalImage } from '../stores/names/names.ts';
import { BuildContext, type ContextIndexes } from './context/build-context.ts';
import type { EngineDeps } from './deps.ts';
import type { Caller, ImageBuildResult, ResolvedImage, StepReport } from './engine.ts';
import { exportImage } from './export.ts';
import type { LayerTrees } from './layers/layer-trees.ts';
import { Progress } from './progress.ts';
import type { ImageBuildRequest } from './request.ts';
import type { TreeMounts } from './snapshots/tree-mounts.ts';
import { solve } from './solve.ts';
import type { ImageSource } from './transfer/source.ts';

export interface BuildRoom {
  deps: EngineDeps;
  source: ImageSource;
  trees: LayerTrees;
  mounts: TreeMounts;
  indexes: ContextIndexes;
}

/** One run of a Dockerfile: read -> plan -> solve -> export -> name. Nothing is named unless all of it succeeded. */
export async function buildImage(
  request: ImageBuildRequest,
  caller: Caller,
  room: BuildRoom,
): Promise<ImageBuildResult> {
  const [target] = request.targets;
  if (target === undefined) throw new Error('a build without a target');
  const names = target.tags.map((tag) => formatReference(withDefaultTag(parseReference(tag))));
  const progress = new Progress(request.onEvent);
  if (request.context.kind !== 'folder')
    throw new Problem('unsupported', `a context that is no folder is not supported yet: ${request.context.kind}`);
  const context = await BuildContext.open(request.context.path, request.dockerfile, room.indexes);
  try {
    const { inputs, plan } = planBuild(request, context, room, progress);
    const resolver = new BaseResolver(request, caller, room, progress);
    const kept = await keepBase(plan, inputs, request, resolver);
    const {
      image,
      steps,
      kept: isKept,
    } = kept ?? (await solveAndExport(plan, inputs, request, caller, room, context, resolver, progress));
    await nameImage(image, names, caller, room, progress);
    return { images: [{ image, tags: target.tags, kept: isKept }], steps };
  } finally {
    await context.close();
  }
}

function planBuild(
  request: ImageBuildRequest,
  context: BuildContext,
  { deps }: BuildRoom,
  progress: Progress,
): { inputs: BuildInputs; plan: StagePlan } {
  const { name, text } = context.dockerfile;
  const vertex = progress.begin(`[internal] load build definition from ${name}`);
  const inputs: BuildInputs = {
    buildArgs: request.buildArgs,
    target: request.targets[0]?.stage,
    buildPlatform: deps.platform,
    targetPlatform: request.platform ?? deps.platform,
    labels: request.labels,
  };
  try {
    const plan = planStages(parseDockerfile(text, name, { syntax: request.buildArgs['BUILDKIT_SYNTAX'] }), inputs);
    vertex.note(`transferring dockerfile: ${Buffer.byteLength(text)}B done`);
    vertex.end('done');
    for (const warning of plan.warnings) progress.emit({ kind: 'warning', ...warning });
    const [first] = plan.stages;
    if (plan.unusedBuildArgs.length > 0 && first !== undefined)
      progress.emit({
        kind: 'warning',
        rule: 'UnusedBuildArg',
        message: `One or more build-args [${plan.unusedBuildArgs.join(' ')}] were not consumed`,
        place: first.place,
      });
    return { inputs, plan };
  } catch (error) {
    vertex.fail(error);
    throw error;
  }
}

interface FinishedTarget {
  image: LocalImage;
  steps: StepReport[];
  kept: boolean;
}

/** What FROM and COPY --from names mean, each asked for once in a build. */
class BaseResolver {
  readonly #request: ImageBuildRequest;
  readonly #caller: Caller;
  readonly #room: BuildRoom;
  readonly #progress: Progress;
  readonly #known = new Map<string, Promise<ResolvedImage>>();

  constructor(request: ImageBuildRequest, caller: Caller, room: BuildRoom, progress: Progress) {
    this.#request = request;
    this.#caller = caller;
    this.#room = room;
    this.#progress = progress;
  }

  readonly resolve = (reference: string, platform: Platform, place: Place): Promise<ResolvedImage> => {
    const key = JSON.stringify([reference, platform]);
    const known = this.#known.get(key) ?? this.#ask(reference, platform, place);
    this.#known.set(key, known);
    return known;
  };

  async #ask(reference: string, platform: Platform, place: Place): Promise<ResolvedImage> {
    const vertex = this.#progress.begin(`[internal] load metadata for ${fullName(reference)}`, place);
    try {
      const image = await this.#room.source.resolve(reference, this.#caller, { platform, local: !this.#request.pull });
      if (image.own) vertex.note('served from the registry of this server');
      vertex.end('done');
      return image;
    } catch (error) {
      vertex.fail(error);
      if (!(error instanceof Problem) || error.place !== undefined) throw error;
      throw new Problem(error.code, error.message, { place, hint: error.hint, cause: error });
    }
  }
}

function fullName(reference: string): string {
  return /^[a-f0-9]{64}$/.test(reference) ? reference : formatReference(withDefaultTag(parseReference(reference)));
}

/**
 * A build that is FROM alone keeps what the base's name means, byte for byte: the index with all its platforms, or the
 * manifest of the platform that was asked for. Labels or triggers make it an ordinary build.
 */
async function keepBase(
  plan: StagePlan,
  inputs: BuildInputs,
  request: ImageBuildRequest,
  resolver: BaseResolver,
): Promise<FinishedTarget | undefined> {
  const [stage] = plan.stages;
  if (plan.stages.length !== 1 || stage?.base.kind !== 'image' || !stage.fromOnly) return undefined;
  if (Object.keys(request.labels).length > 0) return undefined;
  const platform = stage.platform ?? inputs.targetPlatform;
  const image = await resolver.resolve(stage.base.reference, platform, stage.base.place);
  if ((image.config.config?.OnBuild ?? []).length > 0) return undefined;
  const chosen = stage.platform !== undefined || request.platform !== undefined;
  const target = chosen ? image.manifest : image.target;
  return {
    image: { id: image.configDigest, target, manifest: image.manifest, at: 0 },
    steps: [{ text: stage.text, place: stage.place, status: 'cached', ms: 0 }],
    kept: true,
  };
}

async function solveAndExport(
  plan: StagePlan,
  inputs: BuildInputs,
  request: ImageBuildRequest,
  caller: Caller,
  room: BuildRoom,
  context: BuildContext,
  resolver: BaseResolver,
  progress: Progress,
): Promise<FinishedTarget> {
  const { deps, trees, mounts } = room;
  const stop = new AbortController();
  const dockerfile = context.dockerfile.name;
  const solved = await solve({
    plan,
    inputs,
    progress,
    dockerfile,
    resolve: resolver.resolve,
    services: { deps, request, caller, signal: AbortSignal.any([caller.signal, stop.signal]), context, trees, mounts },
    abort: () => stop.abort(),
  });
  const vertex = progress.begin('exporting to image');
  try {
    const { project, scope } = caller;
    const platform = inputs.targetPlatform;
    const exported = await exportImage(
      { solved, platform, project, scope, dockerfile, now: deps.clock.now() },
      deps.content,
      deps.cache,
    );
    vertex.note(`writing image ${exported.config.digest} done`);
    vertex.end('done');
    const { config, manifest } = exported;
    return { image: { id: config.digest, target: manifest, manifest, at: 0 }, steps: solved.steps, kept: false };
  } catch (error) {
    vertex.fail(error);
    throw error;
  }
}

async function nameImage(
  image: LocalImage,
  names: readonly string[],
  caller: Caller,
  { deps }: BuildRoom,
  progress: Progress,
): Promise<void> {
  if (caller.signal.aborted) throw new Problem('cancelled', 'cancelled');
  image.at = deps.clock.now();
  for (const name of names) {
    await deps.names.set(caller.scope, name, image);
    const vertex = progress.begin(`naming to ${name}`);
    vertex.end('done');
  }
}
