import { createHash } from 'node:crypto';
import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import type { BuiltImage } from '../engine.ts';
import type { BuildEvent } from '../events.ts';

type Of<K extends BuildEvent['kind']> = Extract<BuildEvent, { kind: K }>;

interface Step {
  text: string;
  /** Output that waits for the steps before it. */
  waiting: Of<'output'>[];
  ended?: Of<'step'> | undefined;
  failed: boolean;
  /** Its command has been announced. */
  running: boolean;
}

/** What the lines of `docker build` without BuildKit say. */
const SAID = {
  step: (n: number, all: number, text: string) => `Step ${n}/${all} : ${text}`,
  image: (id: string) => ` ---> ${id}\n`,
  cached: ' ---> Using cache\n',
  running: (container: string) => ` ---> Running in ${container}\n`,
  removed: (container: string) => `Removing intermediate container ${container}\n`,
  unused: (message: string) => `[Warning] ${message}\n`,
  built: (id: string) => `Successfully built ${id}\n`,
  tagged: (name: string) => `Successfully tagged ${name}\n`,
};

/** Bright red (SGR 91), in which the old builder shows what a command writes to standard error. */
const RED = (text: string) => `\u001b[91m${text}\u001b[0m`;

export interface ClassicOptions {
  /** Standard error of commands in red, as docker's daemon sends it. */
  colours: boolean;
  /** Told of the base of a FROM where the old builder would have pulled it. */
  onPulled?: ((pulled: NonNullable<Of<'step'>['pulled']>) => void) | undefined;
}

/**
 * BuildEvents as the old builder's lines: every instruction in the order of the file, one at a time, each with the id of the
 * image as it is after it. Stages that run side by side are shown one after the other. It needs a build that was asked for
 * `stepImages`.
 */
export class ClassicProgress {
  readonly #write: (text: string) => void;
  readonly #colours: boolean;
  readonly #onPulled: ClassicOptions['onPulled'];
  readonly #steps: Step[] = [];
  readonly #stepOf = new Map<number, Step>();
  readonly #unused: string[] = [];
  #shown = 0;
  #headed = 0;

  constructor(write: (text: string) => void, { colours, onPulled }: ClassicOptions) {
    this.#write = write;
    this.#colours = colours;
    this.#onPulled = onPulled;
  }

  readonly listen = (event: BuildEvent): void => {
    if (event.kind === 'steps')
      for (const { text } of event.steps) this.#steps.push({ text, waiting: [], failed: false, running: false });
    else if (event.kind === 'vertex') {
      const step = event.step === undefined ? undefined : this.#steps[event.step];
      if (step !== undefined) this.#stepOf.set(event.id, step);
    } else if (event.kind === 'output') this.#stepOf.get(event.id)?.waiting.push(event);
    else if (event.kind === 'end' && event.status === 'error') this.#fail(event.id);
    else if (event.kind === 'step') this.#ended(event);
    else if (event.kind === 'warning' && event.rule === 'UnusedBuildArg') this.#unused.push(event.message);
    this.#show();
  };

  /** The end of a build that succeeded. */
  built(images: readonly BuiltImage[]): void {
    for (const message of this.#unused) this.#write(SAID.unused(message));
    for (const { image, tags } of images) {
      this.#write(SAID.built(shortDigest(image.id)));
      for (const tag of tags) this.#write(SAID.tagged(familiarName(withDefaultTag(parseReference(tag)))));
    }
  }

  /** The end of another: what failed is shown, also when its turn had not come. */
  failed(): void {
    for (const [n, step] of this.#steps.entries()) {
      if (!step.failed) continue;
      if (n >= this.#headed) this.#head(n, step);
      this.#output(step);
      if (!isFrom(step)) this.#announce(step);
    }
  }

  #fail(id: number): void {
    const step = this.#stepOf.get(id);
    if (step !== undefined) step.failed = true;
  }

  #ended(event: Of<'step'>): void {
    const step = this.#steps[event.n];
    if (step !== undefined) step.ended = event;
  }

  #show(): void {
    for (let step = this.#steps[this.#shown]; step !== undefined; step = this.#steps[this.#shown]) {
      if (this.#headed === this.#shown) this.#head(this.#headed++, step);
      this.#output(step);
      if (step.ended === undefined) return;
      this.#end(step, step.ended);
      this.#shown++;
    }
  }

  /** In two parts, as the old builder writes it. */
  #head(n: number, { text }: Step): void {
    this.#write(SAID.step(n + 1, this.#steps.length, text));
    this.#write('\n');
  }

  #output(step: Step): void {
    for (const { stream, text } of step.waiting.splice(0)) {
      this.#announce(step);
      this.#write(stream === 'stderr' && this.#colours ? RED(text) : text);
    }
  }

  #end(step: Step, { status, image, known, pulled, triggers = 0 }: Of<'step'>): void {
    if (pulled !== undefined) this.#onPulled?.(pulled);
    if (triggers > 0) this.#write(`# Executing ${triggers} build trigger${triggers === 1 ? '' : 's'}\n`);
    // an argument before the first FROM makes no image, and is neither
    const cached = status === 'metadata' ? image !== undefined && known === true : status === 'cached';
    const ran = status === 'metadata' ? image !== undefined && known === false : status === 'ran';
    if (cached && !isFrom(step)) this.#write(SAID.cached);
    if (ran && !isCopy(step)) {
      this.#announce(step);
      this.#write(SAID.removed(containerOf(step)));
    }
    if (image !== undefined || isFrom(step)) this.#write(SAID.image(image === undefined ? '' : shortDigest(image)));
  }

  #announce(step: Step): void {
    if (step.running || isCopy(step)) return;
    step.running = true;
    this.#write(SAID.running(containerOf(step)));
  }
}

function isFrom({ text }: Step): boolean {
  return /^FROM\b/i.test(text);
}

/** These need no container, and the old builder says so by not naming one. */
function isCopy({ text }: Step): boolean {
  return /^(?:COPY|ADD)\b/i.test(text);
}

/** The container has gone when anybody could ask for it, so any name does, as long as it is always the same. */
function containerOf({ text }: Step): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
