import { parseReference } from '../images/reference.ts';
import { messageOf } from '../lib/problem.ts';
import { lastAtMost } from '../lib/sorted.ts';
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

/** A file with more stages was made by a machine, which doesn't mistype. */
const MOST_KNOWN = 200;

/** The names of a file's stages. Of two stages with one name, the nearest above the place that asks is meant. */
export class StageNames {
  readonly contexts: ContextNames;
  readonly #names: readonly (string | undefined)[];
  /** Positions of each name, in the order of the file. */
  readonly #positions = new Map<string, number[]>();

  constructor(stages: readonly ParsedStage[], contexts = new ContextNames()) {
    this.#names = stages.map((stage) => stage.from.name);
    for (const [index, name] of this.#names.entries()) {
      if (name === undefined) continue;
      const positions = this.#positions.get(name) ?? [];
      positions.push(index);
      this.#positions.set(name, positions);
    }
    this.contexts = contexts;
  }

  get count(): number {
    return this.#names.length;
  }

  /** Stages above `index` that have a name, for suggestions; the nearest ones of very many. */
  known(index = this.count): string[] {
    return this.#names.slice(Math.max(0, index - MOST_KNOWN), index).filter((name) => name !== undefined);
  }

  /** The last stage of that name among those before `index`. */
  before(index: number, name: string): number | undefined {
    const positions = this.#positions.get(name.toLowerCase()) ?? [];
    return positions[lastAtMost(positions, index - 1, (position) => position)];
  }

  /** The first stage of that name from `index` on. */
  after(index: number, name: string): number | undefined {
    const positions = this.#positions.get(name.toLowerCase()) ?? [];
    return positions[lastAtMost(positions, index - 1, (position) => position) + 1];
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
