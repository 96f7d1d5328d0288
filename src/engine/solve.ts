import { interpretStage } from '../dockerfile/interpret.ts';
import type { BuildInputs, CopyOperation, Operation, Stage, StagePlan, StageProgram } from '../dockerfile/program.ts';
import type { HistoryEntry, ImageConfig } from '../images/config.ts';
import type { Digest } from '../images/digest.ts';
import type { Platform } from '../images/platform.ts';
import { orCancelled, throwIfCancelled } from '../lib/cancelled.ts';
import type { Place } from '../lib/problem.ts';
import { baseChain, chainOf, datedChain } from './cache/key.ts';
import type { OpenedContext } from './context/named-contexts.ts';
import type { ResolvedImage, StepReport } from './engine.ts';
import type { StepImages } from './local/step-images.ts';
import { copyFiles } from './ops/copy.ts';
import type { OperationResult, OperationServices, StageState } from './ops/operation.ts';
import { runCommand } from './ops/run.ts';
import { makeWorkdir } from './ops/workdir.ts';
import type { Progress } from './progress.ts';
import type { ImageBuildRequest } from './request.ts';
import { sourceDate } from './source-date.ts';
import { type StepTable, StepTeller } from './steps.ts';
import { throwFirst } from './transfer/fetch.ts';

/** A history entry below the base's; metadata is dated when the image is finished. */
export interface OwnHistory {
  entry: HistoryEntry;
  /** Milliseconds since 1970, of the layer. */
  createdAt?: number | undefined;
}

/** A stage whose every operation has been done. */
export interface SolvedStage {
  /** Its name, or its number. */
  stage: string;
  state: StageState;
  /** What the stage says of itself, and the base image's own history. */
  config: ImageConfig;
  ownHistory: OwnHistory[];
  args: Record<string, string>;
  steps: StepReport[];
  /** The image that it stands on in the end; absent for scratch. */
  base?: ResolvedImage | undefined;
  /** Of a target whose steps are told: the last one, which gets the id of the exported image. */
  lastStep?: number | undefined;
  /** The image of the step before that. */
  parent?: Digest | undefined;
}

export interface SolveInput {
  plan: StagePlan;
  inputs: BuildInputs;
  progress: Progress;
  /** Name of the Dockerfile, for positions. */
  dockerfile: string;
  /** The base or COPY --from image of a name, with its place for complaints. */
  resolve: (reference: string, platform: Platform, place: Place) => Promise<ResolvedImage>;
  /** Absent when nobody wants to hear of the instructions one by one. */
  table?: StepTable | undefined;
  stepImages: StepImages;
  /** What a named context is, opened. */
  named: (name: string, platform: Platform, place: Place) => Promise<OpenedContext>;
  /** Services whose `signal` ends when `abort` is called. */
  services: Omit<OperationServices, 'stage' | 'image' | 'namedContext'>;
  abort: () => void;
}

/**
 * Does what the targets need: every stage once, stages that don't wait for each other side by side, the operations of a
 * stage in order. The first failure ends all others, and is the one that is thrown.
 * @returns the targets, in the plan's order
 */
export async function solve(input: SolveInput): Promise<SolvedStage[]> {
  const solving = new Map<number, Promise<SolvedStage>>();
  const all = [...input.plan.stages, ...input.plan.spare];
  const stageOf = (index: number): Promise<SolvedStage> => {
    const known = solving.get(index);
    if (known !== undefined) return known;
    const stage = all.find((candidate) => candidate.index === index);
    if (stage === undefined) throw new Error(`no stage ${index} in the plan`);
    const started = solveStage(stage, input, stageOf).catch((error: unknown) => {
      input.abort();
      throw error;
    });
    solving.set(index, started);
    return started;
  };
  for (const stage of input.plan.stages) void stageOf(stage.index).catch(() => undefined);
  // a trigger of a base may have asked for a stage that the plan thought spare, so the list can grow while it is waited for
  const targets = await Promise.allSettled(input.plan.targets.map(stageOf));
  throwFirst([...(await Promise.allSettled([...solving.values()])), ...targets]);
  return await Promise.all(input.plan.targets.map(stageOf));
}

type StageOf = (index: number) => Promise<SolvedStage>;

async function solveStage(stage: Stage, input: SolveInput, stageOf: StageOf): Promise<SolvedStage> {
  const platform = stage.platform ?? input.inputs.targetPlatform;
  const services: OperationServices = {
    ...input.services,
    cacheOff: cacheOff(stage, input.services.request),
    stage: async (index) => (await stageOf(index)).state,
    image: async (reference, place) => stateOf(await input.resolve(reference, platform, place), platform),
    namedContext: async (name, place) => {
      const opened = await input.named(name, platform, place);
      return opened.kind === 'files' ? opened : { kind: 'layers', state: stateOf(opened.image, platform) };
    },
  };
  const start = await beginStage(stage, input, stageOf, services);
  const program = interpretStage(stage, { config: start.config, args: start.args }, input.inputs);
  const { table, stepImages: images } = input;
  const teller = table?.first.has(stage.index)
    ? new StepTeller(stage, program, start, { ...input, table, images })
    : undefined;
  for (const warning of program.warnings) input.progress.emit({ kind: 'warning', ...warning });
  if (stage.base.kind === 'image') {
    const vertex = input.progress.begin(`${label(stage, input, 1, program)}${stage.text}`, stage.place);
    if (start.note !== undefined) vertex.note(start.note);
    vertex.end('cached');
  }
  let { state } = start;
  const results: OperationResult[] = [];
  const times: number[] = [];
  teller?.tell(results, state);
  for (const [n, operation] of program.operations.entries()) {
    const vertex = input.progress.begin(
      `${label(stage, input, n + 1 + ownFrom(stage), program)}${operation.text}`,
      operation.place,
      teller?.stepOf(n),
    );
    const position = `${input.dockerfile}#${stage.index}#${n}`;
    const history = () => historyUpTo(n, program, start);
    try {
      throwIfCancelled(services.signal);
      const result = await perform(operation, state, { position, history, vertex }, services);
      if (result.reason !== undefined && result.since !== undefined) vertex.note(`not cached: ${result.reason}`);
      vertex.end(result.status === 'cached' ? 'cached' : 'done', result.reason);
      results.push(result);
      times.push(Math.round(vertex.elapsed));
      state = after(state, result, operation.text);
      teller?.tell(results, state);
    } catch (error) {
      const shown = orCancelled(error, services.signal);
      vertex.fail(shown);
      throw shown;
    }
  }
  const solved = finishStage(stage, program, { ...start, state }, results, times);
  return { ...solved, lastStep: table?.last.get(stage.index), parent: teller?.last };
}

async function perform(
  operation: Operation,
  state: StageState,
  place: Parameters<typeof runCommand>[2],
  services: OperationServices,
): Promise<OperationResult> {
  if (operation.kind === 'run') return await runCommand(operation, state, place, services);
  if (operation.kind === 'workdir') return await makeWorkdir(operation, state, place, services);
  return await copyFiles(operation, state, place, services);
}

/** Why nothing of a stage is looked up: the build was told so, for all stages or for this one by name or number. */
function cacheOff(stage: Stage, { noCache, noCacheFilter = [] }: ImageBuildRequest): string | undefined {
  if (noCache) return 'the cache is off (--no-cache)';
  const filter = noCacheFilter.find((name) => name.toLowerCase() === stage.name || name === String(stage.index));
  return filter === undefined ? undefined : `the cache is off for this stage (--no-cache-filter ${filter})`;
}

/** What docker would have written about everything up to an operation: the base's own history first. */
function historyUpTo(n: number, { history }: StageProgram, start: StageStart): string[] {
  const base = (start.base?.config.history ?? []).map((entry) => entry.created_by ?? '');
  const end = history.findIndex((entry) => entry.operation === n);
  return [
    ...base,
    ...start.ownHistory.map(({ entry }) => entry.created_by ?? ''),
    ...history.slice(0, end + 1).map((entry) => entry.createdBy),
  ];
}

function after(state: StageState, { layer, contentDigest }: OperationResult, text: string): StageState {
  if (layer === undefined) return state;
  return {
    ...state,
    below: text,
    layers: [...state.layers, layer],
    chain: chainOf(state.chain, contentDigest ?? layer.diffID),
  };
}

interface StageStart extends Omit<SolvedStage, 'steps' | 'stage' | 'parent' | 'lastStep'> {
  note?: string | undefined;
}

async function beginStage(
  stage: Stage,
  input: SolveInput,
  stageOf: StageOf,
  services: OperationServices,
): Promise<StageStart> {
  const { base } = stage;
  const platform = stage.platform ?? input.inputs.targetPlatform;
  if (base.kind === 'stage') return { ...(await stageOf(base.index)) };
  if (base.kind === 'image') {
    const image = await input.resolve(base.reference, platform, base.place);
    return startOn(image, platform, input);
  }
  if (base.kind === 'named') {
    const opened = await input.named(base.name, platform, base.place);
    if (opened.kind === 'image') return startOn(opened.image, platform, input);
  }
  const chain = baseChain([], platform);
  const config: ImageConfig = { ...platform, rootfs: { type: 'layers', diff_ids: [] } };
  const empty = dated({ layers: [], chain, base: chain, madeNs: 0n }, input);
  if (base.kind !== 'named') return { state: empty, config, ownHistory: [], args: {} };
  return await startOnFiles(base, { state: empty, config, ownHistory: [], args: {} }, stage, input, services);
}

function startOn(image: ResolvedImage, platform: Platform, input: SolveInput): StageStart {
  const state = dated(stateOf(image, platform), input);
  return { state, config: image.config, ownHistory: [], args: {}, base: image };
}

/** A named context of files as a base: one layer with all of them. */
async function startOnFiles(
  { name, place }: Extract<Stage['base'], { kind: 'named' }>,
  empty: StageStart,
  stage: Stage,
  input: SolveInput,
  services: OperationServices,
): Promise<StageStart> {
  const text = `COPY --from=${name} . /`;
  const operation: CopyOperation = {
    ...{ kind: 'copy', text, place, from: { kind: 'named', name }, sources: ['.'], inline: [] },
    ...{ destination: '/', intoFolder: true, link: false, parents: false, exclude: [], keepGitDir: false },
  };
  const vertex = input.progress.begin(`[context ${name}] ${stage.text}`, place);
  try {
    const position = `${input.dockerfile}#${stage.index}#context`;
    const result = await copyFiles(operation, empty.state, { position, history: () => [], vertex }, services);
    vertex.end(result.status === 'cached' ? 'cached' : 'done', result.reason);
    const entry: HistoryEntry = { created_by: text };
    return {
      ...empty,
      state: after(empty.state, result, text),
      ownHistory: [{ entry, createdAt: result.createdAt }],
    };
  } catch (error) {
    vertex.fail(error);
    throw error;
  }
}

/** A date enters the chain, and with it every key: the same operation writes other bytes under another date. */
function dated(state: StageState, { inputs }: SolveInput): StageState {
  const date = sourceDate(inputs.buildArgs);
  return date === undefined ? state : { ...state, chain: datedChain(state.chain, date) };
}

/** An image as something to build on. */
export function stateOf(image: ResolvedImage, platform: Platform): StageState {
  const chain = baseChain(
    image.layers.map((layer) => layer.diffID),
    platform,
  );
  const created = Date.parse(image.config.created ?? '');
  const madeNs = Number.isNaN(created) ? 0n : BigInt(Math.max(0, created)) * 1_000_000n;
  const baseName = `${image.reference.replace(/@sha256:.*$/, '')}@${image.target.digest.slice(0, 'sha256:'.length + 12)}`;
  return { layers: image.layers, chain, base: chain, baseName, madeNs };
}

function finishStage(
  stage: Stage,
  program: StageProgram,
  start: StageStart,
  results: readonly OperationResult[],
  times: readonly number[],
): SolvedStage {
  const ownHistory = [...start.ownHistory];
  const steps: StepReport[] = [];
  for (const { createdBy, operation: n } of program.history) {
    const operation = n === undefined ? undefined : program.operations[n];
    const result = n === undefined ? undefined : results[n];
    const entry: HistoryEntry = { created_by: createdBy };
    if (result?.layer === undefined) entry.empty_layer = true;
    ownHistory.push({ entry, createdAt: result?.createdAt });
    steps.push(
      operation === undefined || result === undefined
        ? { text: createdBy, place: stage.place, status: 'metadata', ms: 0 }
        : {
            text: operation.text,
            place: operation.place,
            status: result.status,
            ms: times[n ?? 0] ?? 0,
            layer: result.layer,
            reason: result.reason,
            details: result.details,
            since: result.since,
          },
    );
  }
  const config: ImageConfig = { ...start.config, config: program.config };
  const author = program.author ?? start.config.author;
  if (author !== undefined) config.author = author;
  const name = stage.name ?? String(stage.index);
  return { stage: name, state: start.state, config, ownHistory, args: program.args, steps, base: start.base };
}

/** Only a base that is an image is counted, as BuildKit counts. */
function ownFrom({ base }: Stage): number {
  return base.kind === 'image' ? 1 : 0;
}

/** `[2/4] `, `[build 2/4] `, and `[stage-1 2/4] ` for a stage without name beside others. */
function label(stage: Stage, { plan }: SolveInput, n: number, program: StageProgram): string {
  const total = program.operations.length + ownFrom(stage);
  const name = stage.name ?? (plan.stages.length > 1 ? `stage-${stage.index}` : undefined);
  return `[${name === undefined ? '' : `${name} `}${n}/${total}] `;
}
