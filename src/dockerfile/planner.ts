import { parsePlatform } from '../images/platform.ts';
import { parseReference } from '../images/reference.ts';
import { didYouMean, nearest } from '../lib/nearest.ts';
import { checkDefaultArgs, checkFromPlatform, checkFromVariables } from './checks/bases.ts';
import type { Remark } from './checks/warnings.ts';
import { Complaint, locate, placeOf } from './complaint.ts';
import { type Expansion, expand } from './expand.ts';
import { fromProblem } from './from-problem.ts';
import type { GlobalScope } from './global-scope.ts';
import type { FromInstruction, Instruction } from './instructions/instruction.ts';
import type { Word } from './lex/nodes.ts';
import type { ParsedDockerfile, ParsedStage } from './parsed.ts';
import type { BuildInputs, Stage, StageBase } from './program.ts';
import type { StageNames } from './stage-names.ts';

/** What planning goes by. */
export interface PlanFacts {
  parsed: ParsedDockerfile;
  inputs: BuildInputs;
  names: StageNames;
  globals: GlobalScope;
  /** The same without build arguments. */
  defaults: GlobalScope;
  remark: Remark;
}

/** Plans single stages: what FROM means, and which other stages it needs. Everything is planned at most once. */
export class Planner {
  readonly #facts: PlanFacts;
  readonly #planned = new Map<number, Stage>();

  constructor(facts: PlanFacts) {
    this.#facts = facts;
  }

  /** Plans a stage and all that it stands on. */
  need(index: number): void {
    const open = [index];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const stage = this.#facts.parsed.stages[next];
      if (stage === undefined || this.#planned.has(next)) continue;
      const planned = this.#plan(stage, this.#facts.remark);
      this.#planned.set(next, planned);
      for (const other of planned.needs) open.push(other);
      if (planned.base.kind === 'stage') open.push(planned.base.index);
    }
  }

  needed(): Stage[] {
    return withWorkdirs([...this.#planned.values()].sort((a, b) => a.index - b.index));
  }

  /** The other stages, as far as they make sense: nobody asked for them, so their mistakes are nobody's. */
  spare(): Stage[] {
    return this.#facts.parsed.stages.flatMap((stage) => {
      if (this.#planned.has(stage.index)) return [];
      try {
        return [this.#plan(stage, () => undefined)];
      } catch {
        return [];
      }
    });
  }

  #plan(stage: ParsedStage, remark: Remark): Stage {
    const { source } = this.#facts.parsed;
    const { node, name } = stage.from;
    return locate(source, node.range, () => {
      const given = name === undefined ? undefined : this.#facts.names.contexts.find(name);
      const base = given === undefined ? this.#base(stage, remark) : { ...given, place: placeOf(source, node.range) };
      // a context of the stage's own name stands in for the whole of it
      const instructions = given === undefined ? stage.instructions : [];
      return {
        index: stage.index,
        ...(name === undefined ? {} : { name }),
        base,
        ...this.#platform(stage.from, remark),
        text: node.text,
        place: placeOf(source, node.range),
        instructions,
        scope: {
          source,
          escape: this.#facts.parsed.directives.escape,
          checks: this.#facts.parsed.checks,
          names: this.#facts.names,
          globals: this.#facts.globals,
        },
        needs: given === undefined ? this.#needs(stage, base, remark) : [],
        fromOnly: base.kind === 'image' && instructions.length === 0,
        workdirAbove: false,
      };
    });
  }

  /** An empty one, as of an ARG without a value, is none; of a name that nobody declared, it is a mistake. */
  #platform(from: FromInstruction, remark: Remark): Pick<Stage, 'platform'> {
    const word = from.platform;
    if (word === undefined) return {};
    const expansion = this.#expand(word);
    const { globals } = this.#facts;
    checkFromVariables(from, word, expansion, globals, remark);
    const { text, references } = expansion;
    const missing = references.find(({ name, guarded }) => !guarded && !globals.has(name));
    if (text === '' && missing !== undefined)
      throw new Complaint(
        `empty platform value from expression ${word.text}${didYouMean(missing.name, globals.keys())}`,
        {
          ranges: [word.range],
          hint: `Nothing declares ${missing.name}: write ARG ${missing.name}=... above the first FROM.`,
        },
      );
    if (text === '') return {};
    const platform = locate(this.#facts.parsed.source, word.range, () => parsePlatform(text));
    checkFromPlatform(from, expansion, platform, globals.get('TARGETPLATFORM'), remark);
    return { platform };
  }

  #expand(word: Word): Expansion {
    const { escape: escapeToken } = this.#facts.parsed.directives;
    return expand(word.text, (name) => this.#facts.globals.get(name), { escape: escapeToken, ranges: [word.range] });
  }

  #base(stage: ParsedStage, remark: Remark): StageBase {
    const { node, image: word } = stage.from;
    checkDefaultArgs(stage.from, this.#facts.defaults, this.#facts.parsed.directives.escape, remark);
    const expansion = this.#expand(word);
    checkFromVariables(stage.from, word, expansion, this.#facts.globals, remark);
    const { text: reference } = expansion;
    const earlier = this.#facts.names.before(stage.index, reference);
    if (earlier !== undefined) return { kind: 'stage', index: earlier };
    if (reference === 'scratch') return { kind: 'scratch' };
    const given = this.#facts.names.contexts.find(reference);
    if (given !== undefined) return { ...given, place: placeOf(this.#facts.parsed.source, word.range) };
    try {
      parseReference(reference);
    } catch (cause) {
      throw fromProblem({ ...this.#facts, node, word, expansion }, cause);
    }
    this.#remarkStageLike(reference, stage.index, `FROM ${reference}`, word, remark);
    return { kind: 'image', reference, place: placeOf(this.#facts.parsed.source, word.range) };
  }

  /** A bare name that is nearly, or later, a stage's: perhaps no image was meant. */
  #remarkStageLike(name: string, index: number, written: string, word: Word, remark: Remark): void {
    if (/[/:@.]/.test(name)) return;
    const later = this.#facts.names.after(index + 1, name);
    const near = nearest(name, this.#facts.names.known(index));
    if (later !== undefined)
      remark(
        'ForwardStageReference',
        `${written} means an image: the stage of that name is defined only below`,
        [word.range],
        {
          text: `Move the stage ${name} (line ${this.#facts.parsed.stages[later]?.from.node.range.line}) above this one, or rename it`,
        },
      );
    else if (near !== undefined)
      remark(
        'StageNameTypo',
        `${written} means an image: no stage has that name (did you mean ${near}?)`,
        [word.range],
        {
          text: `Write ${near}; or, if the image is meant, ${name}:latest`,
        },
      );
  }

  #needs(stage: ParsedStage, base: StageBase, remark: Remark): number[] {
    const needs = new Set<number>();
    const see = (from: Word, instruction: Instruction): void => {
      const found = locate(this.#facts.parsed.source, instruction.node.range, () =>
        this.#facts.names.source(from, stage.index),
      );
      if (found.kind === 'stage') needs.add(found.index);
      if (found.kind === 'image')
        this.#remarkStageLike(found.reference, stage.index, `--from=${found.reference}`, from, remark);
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

/** Says of each stage whether one that it stands on sets WORKDIR; a base stands above its stages, so one pass is enough. */
function withWorkdirs(stages: readonly Stage[]): Stage[] {
  const setting = new Set<number>();
  return stages.map((stage) => {
    const workdirAbove = stage.base.kind === 'stage' && setting.has(stage.base.index);
    if (workdirAbove || stage.instructions.some(({ kind }) => kind === 'workdir')) setting.add(stage.index);
    return { ...stage, workdirAbove };
  });
}
