import type { StagePlan } from '../dockerfile/program.ts';
import { digestOf } from '../images/digest.ts';
import type { Layer } from '../images/layer.ts';
import { fullName } from '../images/reference.ts';
import type { HeldImage } from '../stores/names/names.ts';
import { BaseResolver } from './base-resolver.ts';
import { AskedAhead, type LastKeys } from './cache/asked-ahead.ts';
import { CachesOfBuild } from './cache/caches-of-build.ts';
import { checkBuild } from './checks/check-build.ts';
import { AskedContext } from './context/asked-context.ts';
import type { BuildContext } from './context/build-context.ts';
import type { ContextIndexes } from './context/context-indexes.ts';
import { NamedContexts } from './context/named-contexts.ts';
import { neededPaths } from './context/needed-paths.ts';
import { deliver } from './deliver.ts';
import type { Caller, ImageBuildResult, StepReport } from './engine.ts';
import { exportImage } from './export.ts';
import { StepImages } from './local/step-images.ts';
import { type PlannedBuild, planBuild } from './plan-build.ts';
import { Progress } from './progress.ts';
import type { ProjectRoom } from './project-room.ts';
import type { ImageBuildRequest } from './request.ts';
import { type SolvedStage, solve } from './solve.ts';
import { sourceDate } from './source-date.ts';
import { BuildSources, type SourceRoom } from './sources/build-sources.ts';
import type { WebFiles } from './sources/web-file.ts';
import { pulledOf } from './steps.ts';

export interface BuildRoom extends ProjectRoom {
  indexes: ContextIndexes;
  web: WebFiles;
  lastKeys: LastKeys;
}

/** One run of a Dockerfile: read -> plan -> solve -> export -> name. Nothing is named unless all of it succeeded. */
export async function buildImage(
  request: ImageBuildRequest,
  caller: Caller,
  room: BuildRoom,
): Promise<ImageBuildResult> {
  const names = request.targets.map(({ tags }) => tags.map(fullName));
  const progress = new Progress(request.onEvent);
  const sources = new BuildSources(request, caller, sourceRoomOf(room), progress);
  const named = new NamedContexts(request.contexts ?? {}, sources);
  try {
    const context = await sources.build();
    try {
      return await buildFrom(context, names, { request, caller, room, sources, named, progress });
    } finally {
      await context.close();
    }
  } finally {
    await named.close();
    await sources.close();
  }
}

async function buildFrom(
  context: BuildContext | AskedContext,
  names: readonly (readonly string[])[],
  opened: Omit<RunningBuild, 'context' | 'resolver' | 'cache' | 'caches' | 'stepImages'>,
): Promise<ImageBuildResult> {
  const { request, caller, room, named, progress } = opened;
  const startedAt = room.deps.clock.now();
  const stepImages = new StepImages(room.deps, caller.scope, startedAt);
  const looked = request.stepImages === true ? stepImages.look(request.noCache) : undefined;
  looked?.catch(() => undefined); // met before the first step
  let failed = true;
  const build = `${caller.project} ${digestOf(context.dockerfile.text)}`;
  const cache = new AskedAhead(room.deps.cache, caller.project, request.noCache ? [] : room.lastKeys.of(build));
  const cached = { ...room, deps: { ...room.deps, cache } };
  const caches = new CachesOfBuild(request, request.platform ?? room.deps.platform, caller, cached, progress);
  try {
    const plans = planBuild(request, context.dockerfile, room.deps.platform, progress, named.names);
    const resolver = new BaseResolver(request, caller, room.source, progress, plans);
    if (context instanceof AskedContext) await context.bring(await neededPaths(plans, resolver.resolve));
    if (await checkBuild(plans, request, { resolve: resolver.resolve, context }, progress))
      return { images: [], steps: [] };
    await looked;
    const running: RunningBuild = { ...opened, context, resolver, cache, caches, stepImages };
    const finished: FinishedTarget[] = [];
    for (const planned of plans) finished.push(...(await finishTargets(planned, running)));
    const deliveries = finished.map((target, i) => ({ ...target, names: names[i] ?? [] }));
    const { dockerfile } = context;
    const materials = [...resolver.materials.list, ...opened.sources.materials.list];
    await deliver(deliveries, { request, caller, room, dockerfile, materials, startedAt, progress, stepImages });
    await caches.exportAll();
    room.lastKeys.note(build, cache.keys);
    failed = false;
    return {
      images: finished.map(({ image, kept }, i) => ({ image, tags: request.targets[i]?.tags ?? [], kept })),
      steps: [...new Set(finished.map(({ steps }) => steps))].flat(),
    };
  } finally {
    if (failed) await stepImages.keep();
    await caches.close();
  }
}

/** What every part of one build works with. */
interface RunningBuild {
  request: ImageBuildRequest;
  caller: Caller;
  room: BuildRoom;
  context: BuildContext | AskedContext;
  sources: BuildSources;
  named: NamedContexts;
  resolver: BaseResolver;
  cache: AskedAhead;
  caches: CachesOfBuild;
  stepImages: StepImages;
  progress: Progress;
}

interface FinishedTarget {
  image: HeldImage;
  /** The same list for targets that are the same stage. */
  steps: StepReport[];
  kept: boolean;
  layers: readonly Layer[];
  /** Name of the stage, or its number. */
  stage: string;
}

function sourceRoomOf({ deps, mounts, web, source, indexes }: BuildRoom): SourceRoom {
  return { deps, store: mounts.store, web, images: source, indexes };
}

/** The targets of one plan, in its order: those that are FROM alone as they are, the others solved together. */
async function finishTargets(planned: PlannedBuild, build: RunningBuild): Promise<FinishedTarget[]> {
  const { plan } = planned;
  const kept = await Promise.all(plan.targets.map((target) => keepBase(target, planned, build)));
  const open = plan.targets.filter((_, i) => kept[i] === undefined);
  const solved = open.length === 0 ? [] : await solveStages(withTargets(plan, open), planned, build);
  const images = new Map<SolvedStage, FinishedTarget>();
  for (const stage of new Set(solved)) images.set(stage, await exportTarget(stage, planned, build));
  const rest = solved.values();
  return kept.flatMap((target) => {
    const stage = target === undefined ? rest.next().value : undefined;
    return target ?? (stage === undefined ? [] : (images.get(stage) ?? []));
  });
}

function withTargets(plan: StagePlan, targets: number[]): StagePlan {
  return targets.length === plan.targets.length ? plan : { ...plan, targets };
}

/**
 * A target that is FROM alone keeps what the base's name means, byte for byte: the index with all its platforms, or the
 * manifest of the platform that was asked for. Labels or triggers make it an ordinary build.
 */
async function keepBase(
  target: number,
  { plan, inputs, table }: PlannedBuild,
  { request, resolver, stepImages, progress }: RunningBuild,
): Promise<FinishedTarget | undefined> {
  const stage = plan.stages.find((candidate) => candidate.index === target);
  if (stage?.base.kind !== 'image' || !stage.fromOnly) return undefined;
  if (Object.keys(request.labels).length > 0) return undefined;
  const platform = stage.platform ?? inputs.targetPlatform;
  const image = await resolver.resolve(stage.base.reference, platform, stage.base.place);
  if ((image.config.config?.OnBuild ?? []).length > 0) return undefined;
  const step = table?.last.get(stage.index);
  if (step !== undefined)
    progress.emit({
      ...{ kind: 'step', n: step, status: 'cached', image: image.configDigest },
      ...pulledOf(image, stepImages),
    });
  const chosen = stage.platform !== undefined || request.platform !== undefined;
  return {
    image: {
      id: image.configDigest,
      target: chosen ? image.manifest : image.target,
      manifest: image.manifest,
      at: 0,
      kind: 'image',
    },
    steps: [{ text: stage.text, place: stage.place, status: 'cached', ms: 0 }],
    kept: true,
    layers: image.layers,
    stage: stage.name ?? String(stage.index),
  };
}

async function solveStages(
  plan: StagePlan,
  { inputs, table }: PlannedBuild,
  build: RunningBuild,
): Promise<SolvedStage[]> {
  const { request, caller, room, context, sources, named, resolver, caches, stepImages, progress } = build;
  const { deps, trees, mounts } = room;
  const stop = new AbortController();
  const signal = AbortSignal.any([caller.signal, stop.signal]);
  return await solve({
    plan,
    inputs,
    progress,
    table,
    stepImages,
    dockerfile: context.dockerfile.name,
    resolve: resolver.resolve,
    named: (name, platform, place) => named.open(name, platform, place),
    services: { deps, request, caller, cache: caches.cache, signal, context, sources, trees, mounts },
    abort: () => stop.abort(),
  });
}

async function exportTarget(
  solved: SolvedStage,
  { inputs }: PlannedBuild,
  { request, caller, room, context, cache, caches, stepImages, progress }: RunningBuild,
): Promise<FinishedTarget> {
  const { deps } = room;
  const vertex = progress.begin('exporting to image');
  stepImages.write(); // beside the image's own
  try {
    const exported = await exportImage(
      {
        solved,
        labels: request.labels,
        platform: inputs.targetPlatform,
        project: caller.project,
        scope: caller.scope,
        dockerfile: context.dockerfile.name,
        now: deps.clock.now(),
        sourceDate: sourceDate(request.buildArgs),
        inlineCache: caches.inline(solved.state.layers),
      },
      deps.content,
      cache,
    );
    vertex.note(`writing image ${exported.config.digest} done`);
    vertex.end('done');
    const { config, manifest } = exported;
    const status = Object.keys(request.labels).length > 0 ? 'metadata' : (solved.steps.at(-1)?.status ?? 'cached');
    if (solved.lastStep !== undefined)
      progress.emit({
        ...{ kind: 'step', n: solved.lastStep, status, image: config.digest },
        known: stepImages.wasDone(config.digest),
      });
    return {
      image: { id: config.digest, target: manifest, manifest, at: 0, kind: 'image', parent: solved.parent },
      steps: solved.steps,
      kept: false,
      layers: solved.state.layers,
      stage: solved.stage,
    };
  } catch (error) {
    vertex.fail(error);
    throw error;
  }
}
