import { parseReference } from '../images/reference.ts';
import { messageOf } from '../lib/problem.ts';
import { Complaint } from './complaint.ts';
import { ContextNames } from './context-names.ts';
import type { Word } from './lex/nodes.ts';
import type { ParsedStage } from './parsed.ts';

/** Where COPY and mounts read from. */
export type CopySource =
  | { kind: 'context' }
  | { kind: 'stage'; index: number }
  | { kind: 'image'; reference: string }
  /** Of `--build-context`: files or layers, which the engine opens by this name. */
  | { kind: 'named'; name: string };

/** The names of a file's stages. Of two stages with one name, the nearest above the place that asks is meant. */
export class StageNames {
  readonly contexts: ContextNames;
  readonly #names: readonly (string | undefined)[];

  constructor(stages: readonly ParsedStage[], contexts = new ContextNames()) {
    this.#names = stages.map((stage) => stage.from.name);
    this.contexts = contexts;
  }

  get count(): number {
    return this.#names.length;
  }

  /** Stages above `index` that have a name, for suggestions. */
  known(index = this.count): string[] {
    return this.#names.slice(0, index).filter((name) => name !== undefined);
  }

  /** The last stage of that name among those before `index`. */
  before(index: number, name: string): number | undefined {
    const found = this.#names.slice(0, index).lastIndexOf(name.toLowerCase());
    return found < 0 ? undefined : found;
  }

  /** The first stage of that name from `index` on. */
  after(index: number, name: string): number | undefined {
    const found = this.#names.indexOf(name.toLowerCase(), index);
    return found < 0 ? undefined : found;
  }

  /**
   * What `--from=` or a mount's `from=` in stage `index` means: a stage above by name or by number, a named context, or
   * else an image.
   * @throws Complaint
   */
  source(from: Word, index: number): CopySource {
    const at = { ranges: [from.range] };
    const name = from.text;
    const named = this.before(index, name);
    if (named !== undefined) return { kind: 'stage', index: named };
    if (/^\d+$/.test(name)) {
      const number = Number(name);
      if (number < index) return { kind: 'stage', index: number };
      throw new Complaint(
        `invalid from flag value ${name}: ${number < this.count ? 'cannot copy from' : 'there is no'} stage ${name} here`,
        {
          ...at,
          hint:
            index === 0
              ? 'No stage stands above this one.'
              : `Stages above this one: ${index === 1 ? '0' : `0 to ${index - 1}`}.`,
        },
      );
    }
    const given = this.contexts.find(name);
    if (given !== undefined) return given;
    if (this.after(index, name) !== undefined)
      throw new Complaint(
        `cannot copy from stage ${JSON.stringify(name)}, it needs to be defined before current stage`,
        at,
      );
    try {
      parseReference(name);
    } catch (error) {
      throw new Complaint(`invalid from flag value ${name}: ${messageOf(error)}`, at);
    }
    return { kind: 'image', reference: name };
  }
}
