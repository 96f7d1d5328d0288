import { interpretStage } from '../dockerfile/interpret.ts';
import type { BuildInputs, Stage, StagePlan, StageProgram } from '../dockerfile/program.ts';
import type { ImageConfig } from '../images/config.ts';
import type { Digest } from '../images/digest.ts';
import type { Place } from '../lib/problem.ts';
import type { ResolvedImage } from './engine.ts';
import type { BuildEvent } from './events.ts';
import { imageConfig } from './export.ts';
import { imageBlobs } from './image-blobs.ts';
import type { StepImages } from './local/step-images.ts';
import type { OperationResult, StageState } from './ops/operation.ts';
import type { Progress } from './progress.ts';
import type { OwnHistory } from './solve.ts';
import { sourceDate } from './source-date.ts';

/** An instruction as the person wrote it. */
export interface WrittenStep {
  text: string;
  place: Place;
}

/** The instructions of a build, counted as the old builder counts them: "Step 3/7". */
export interface StepTable {
  /** The number of the first one; the steps of other plans of the same build stand before it. */
  from: number;
  steps: WrittenStep[];
  /** Of each stage, where its FROM stands. */
  first: Map<number, number>;
  /** Of each target, the step whose image is the one that is exported. */
  last: Map<number, number>;
}

/**
 * @param globals ARGs before the first FROM
 * @param labels those of the command line are one more step of every target
 */
export function stepTable(
  plan: StagePlan,
  globals: readonly WrittenStep[],
  labels: Record<string, string>,
  from: number,
): StepTable {
  const table: StepTable = { from, steps: [...globals], first: new Map(), last: new Map() };
  const { steps, first, last } = table;
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  for (const stage of plan.stages) {
    first.set(stage.index, from + steps.length);
    steps.push({ text: stage.text, place: stage.place });
    const { file, text } = stage.place;
    for (const { node } of stage.instructions)
      steps.push({ text: node.text, place: { file, ranges: [node.range], ...(text === undefined ? {} : { text }) } });
    if (!plan.targets.includes(stage.index)) continue;
    if (pairs.length > 0) steps.push({ text: `LABEL ${pairs.join(' ')}`, place: stage.place });
    last.set(stage.index, from + steps.length - 1);
  }
  return table;
}

export interface StepStart {
  config: ImageConfig;
  ownHistory: readonly OwnHistory[];
  args: Record<string, string>;
  state: StageState;
  base?: ResolvedImage | undefined;
}

export interface StepRoom {
  table: StepTable;
  inputs: BuildInputs;
  progress: Progress;
  images: StepImages;
}

/**
 * Tells the steps of one stage as they are done, each with the id of the image that it would be: the digest of the config
 * that an export at this point would write. Whoever is told of an image can run it. The last step of a target is left to the
 * export, which knows the real one.
 */
export class StepTeller {
  readonly #table: StepTable;
  readonly #stage: Stage;
  readonly #program: StageProgram;
  readonly #start: StepStart;
  readonly #inputs: BuildInputs;
  readonly #progress: Progress;
  readonly #images: StepImages;
  readonly #first: number;
  /** Instructions of the base that run before those of the stage. */
  readonly #triggers: number;
  #told = 0;
  #last: Digest | undefined;

  constructor(stage: Stage, program: StageProgram, start: StepStart, { table, inputs, progress, images }: StepRoom) {
    this.#table = table;
    this.#stage = stage;
    this.#program = program;
    this.#start = start;
    this.#inputs = inputs;
    this.#progress = progress;
    this.#images = images;
    this.#first = table.first.get(stage.index) ?? 0;
    this.#triggers = program.history.length - stage.instructions.length;
  }

  /** The image that was told of last: the next one is made of it. */
  get last(): Digest | undefined {
    return this.#last;
  }

  /** The step that an operation belongs to. */
  stepOf(operation: number): number {
    const entry = this.#program.history.findIndex((each) => each.operation === operation);
    return this.#first + Math.max(0, entry - this.#triggers + 1);
  }

  /** Tells of everything up to the next operation that isn't done. @param state after those that are */
  tell(results: readonly OperationResult[], state: StageState): void {
    const { history } = this.#program;
    const last = this.#table.last.get(this.#stage.index);
    while (this.#told <= history.length) {
      // FROM is told with its triggers
      const done = this.#told === 0 ? this.#triggers : this.#told;
      const waiting = history.slice(0, done).some(({ operation: n }) => n !== undefined && results[n] === undefined);
      if (waiting) return;
      const n = this.#first + Math.max(0, done - this.#triggers);
      const entry = this.#told === 0 ? undefined : history[done - 1];
      const result = entry?.operation === undefined ? undefined : results[entry.operation];
      const status = this.#told === 0 ? 'cached' : (result?.status ?? 'metadata');
      if (n !== last) {
        const image = this.#imageAfter(done, results, state);
        this.#progress.emit({
          kind: 'step',
          n,
          status,
          image,
          ...(image === undefined ? {} : { known: this.#images.wasDone(image) }),
          ...(this.#told === 0 && this.#triggers > 0 ? { triggers: this.#triggers } : {}),
          ...(this.#told === 0 ? pulledOf(this.#start.base, this.#images) : {}),
        });
        this.#last = image;
      }
      this.#told = done + 1;
    }
  }

  /** Nothing of scratch has an id. */
  #imageAfter(done: number, results: readonly OperationResult[], state: StageState): Digest | undefined {
    const { base, config, ownHistory } = this.#start;
    if (done === 0 && ownHistory.length === 0) {
      if (base !== undefined) this.#images.addBase(base);
      return base?.configDigest;
    }
    const entries = this.#program.history.slice(0, done).map(({ createdBy, operation }): OwnHistory => {
      const result = operation === undefined ? undefined : results[operation];
      const empty = result?.layer === undefined ? { empty_layer: true } : {};
      return { entry: { created_by: createdBy, ...empty }, createdAt: result?.createdAt };
    });
    const own = [...ownHistory, ...entries];
    const instructions = this.#stage.instructions.slice(0, Math.max(0, done - this.#triggers));
    const before = interpretStage({ ...this.#stage, instructions }, this.#start, this.#inputs);
    // metadata is as old as what it was said of, so that the same steps have the same ids tomorrow
    const dates = own.flatMap(({ createdAt }) => createdAt ?? []);
    const created = Math.max(Date.parse(config.created ?? '') || 0, ...dates);
    const written = imageConfig(
      {
        config: { ...config, config: before.config },
        ownHistory: own,
        layers: state.layers,
        platform: this.#inputs.targetPlatform,
        sourceDate: sourceDate(this.#inputs.buildArgs),
      },
      created,
    );
    return this.#images.add(imageBlobs(written, state.layers), this.#last);
  }
}

/** What there is to tell of a base that a registry was asked about. */
export function pulledOf(
  base: ResolvedImage | undefined,
  images: StepImages,
): Pick<Extract<BuildEvent, { kind: 'step' }>, 'pulled'> {
  if (base?.asked !== true) return {};
  const { reference, target, configDigest } = base;
  return { pulled: { name: reference, digest: target.digest, fresh: !images.had(configDigest) } };
}
