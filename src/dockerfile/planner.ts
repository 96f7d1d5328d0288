import { parsePlatform } from '../images/platform.ts';
import { parseReference } from '../images/reference.ts';
import { didYouMean, nearest } from '../lib/nearest.ts';
import { locate, placeOf, Warnings } from './complaint.ts';
import { type Expansion, expand } from './expand.ts';
import { fromProblem } from './from-problem.ts';
import type { GlobalScope } from './global-scope.ts';
import type { Instruction } from './instructions/instruction.ts';
import { rangeWithin, type Word } from './lex/nodes.ts';
import type { ParsedDockerfile, ParsedStage } from './parsed.ts';
import type { BuildInputs, Stage, StageBase } from './program.ts';
import type { StageNames } from './stage-names.ts';

/** What planning goes by. */
export interface PlanFacts {
  parsed: ParsedDockerfile;
  inputs: BuildInputs;
  names: StageNames;
  globals: GlobalScope;
  warnings: Warnings;
}

/** Plans single stages: what FROM means, and which other stages it needs. Everything is planned at most once. */
export class Planner {
  readonly #facts: PlanFacts;
  readonly #planned = new Map<number, Stage>();

  constructor(facts: PlanFacts) {
    this.#facts = facts;
  }

  /** Plans a stage and all that it stands on. References only ever point upwards in the file, so this ends. */
  need(index: number): void {
    const stage = this.#facts.parsed.stages[index];
    if (stage === undefined || this.#planned.has(index)) return;
    const planned = this.#plan(stage, this.#facts.warnings);
    this.#planned.set(index, planned);
    if (planned.base.kind === 'stage') this.need(planned.base.index);
    for (const other of planned.needs) this.need(other);
  }

  needed(): Stage[] {
    return [...this.#planned.values()].sort((a, b) => a.index - b.index);
  }

  /** The other stages, as far as they make sense: nobody asked for them, so their mistakes are nobody's. */
  spare(): Stage[] {
    const silent = new Warnings(this.#facts.parsed.source, 'all');
    return this.#facts.parsed.stages.flatMap((stage) => {
      if (this.#planned.has(stage.index)) return [];
      try {
        return [this.#plan(stage, silent)];
      } catch {
        return [];
      }
    });
  }

  remarkNames(): void {
    const seen = new Set<string>();
    for (const { from } of this.#facts.parsed.stages) {
      const { name, nameWord } = from;
      if (name === undefined || nameWord === undefined) continue;
      if (name === 'scratch' || name === 'context')
        this.#facts.warnings.add(
          'ReservedStageName',
          `'${name}' is reserved and should not be used as a stage name`,
          nameWord.range,
        );
      if (seen.has(name))
        this.#facts.warnings.add(
          'DuplicateStageName',
          `Duplicate stage name '${name}': the last one is meant`,
          nameWord.range,
        );
      seen.add(name);
    }
  }

  #plan(stage: ParsedStage, warnings: Warnings): Stage {
    const { source } = this.#facts.parsed;
    const { node, platform, name } = stage.from;
    return locate(source, node.range, () => {
      const base = this.#base(stage, warnings);
      return {
        index: stage.index,
        ...(name === undefined ? {} : { name }),
        base,
        ...this.#platform(platform),
        text: node.text,
        place: placeOf(source, node.range),
        instructions: stage.instructions,
        scope: {
          source,
          escape: this.#facts.parsed.directives.escape,
          skip: this.#facts.parsed.directives.check.skip,
          names: this.#facts.names,
          globals: this.#facts.globals,
        },
        needs: this.#needs(stage, base, warnings),
        fromOnly: base.kind === 'image' && stage.instructions.length === 0,
      };
    });
  }

  /** An empty one, as of a variable without a value, is none. */
  #platform(word: Word | undefined): Pick<Stage, 'platform'> {
    const wanted = word === undefined ? '' : this.#expand(word).text;
    if (word === undefined || wanted === '') return {};
    return { platform: locate(this.#facts.parsed.source, word.range, () => parsePlatform(wanted)) };
  }

  #expand(word: Word): Expansion {
    const { escape: escapeToken } = this.#facts.parsed.directives;
    return expand(word.text, (name) => this.#facts.globals.get(name), { escape: escapeToken, ranges: [word.range] });
  }

  #base(stage: ParsedStage, warnings: Warnings): StageBase {
    const { node, image: word } = stage.from;
    const expansion = this.#expand(word);
    const { text: reference } = expansion;
    const earlier = this.#facts.names.before(stage.index, reference);
    if (earlier !== undefined) return { kind: 'stage', index: earlier };
    if (reference === 'scratch') return { kind: 'scratch' };
    try {
      parseReference(reference);
    } catch (cause) {
      throw fromProblem({ ...this.#facts, node, word, expansion }, cause);
    }
    for (const use of expansion.references)
      if (!use.defined && !use.guarded)
        warnings.add(
          'UndefinedArgInFrom',
          `FROM argument '${use.name}' is not declared${didYouMean(use.name, this.#facts.globals.keys())}`,
          rangeWithin(node, word, use.start, use.end),
        );
    this.#remarkStageLike(reference, stage.index, `FROM ${reference}`, word, warnings);
    return { kind: 'image', reference, place: placeOf(this.#facts.parsed.source, word.range) };
  }

  /** A bare name that is nearly, or later, a stage's: perhaps no image was meant. */
  #remarkStageLike(name: string, index: number, written: string, word: Word, warnings: Warnings): void {
    if (/[/:@.]/.test(name)) return;
    const later = this.#facts.names.after(index + 1, name);
    const near = nearest(name, this.#facts.names.known(index));
    if (later !== undefined)
      warnings.add(
        'ForwardStageReference',
        `${written} means an image: the stage of that name is defined only below`,
        word.range,
      );
    else if (near !== undefined)
      warnings.add(
        'StageNameTypo',
        `${written} means an image: no stage has that name (did you mean ${near}?)`,
        word.range,
      );
  }

  #needs(stage: ParsedStage, base: StageBase, warnings: Warnings): number[] {
    const needs = new Set<number>();
    const see = (from: Word, instruction: Instruction): void => {
      const found = locate(this.#facts.parsed.source, instruction.node.range, () =>
        this.#facts.names.source(from, stage.index),
      );
      if (found.kind === 'stage') needs.add(found.index);
      if (found.kind === 'image')
        this.#remarkStageLike(found.reference, stage.index, `--from=${found.reference}`, from, warnings);
    };
    const inherited = base.kind === 'stage' ? triggersOf(this.#facts.parsed.stages[base.index]) : [];
    for (const instruction of [...inherited, ...stage.instructions])
      for (const from of namedSources(instruction)) see(from, instruction);
    return [...needs].sort((a, b) => a - b);
  }
}

function triggersOf(stage: ParsedStage | undefined): Instruction[] {
  return (stage?.instructions ?? []).flatMap((instruction) =>
    instruction.kind === 'onbuild' ? [instruction.instruction] : [],
  );
}

/** The words of an instruction that name stages or images. */
function namedSources(instruction: Instruction): Word[] {
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.flatMap((mount) => {
    const from = mount.options.find(([key]) => key === 'from')?.[1];
    return from === undefined ? [] : [{ ...mount.word, text: from }];
  });
}
