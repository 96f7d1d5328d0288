import { didYouMean } from '../lib/nearest.ts';
import type { Range } from '../lib/problem.ts';
import { Complaint, locate, type Source, Warnings } from './complaint.ts';
import { globalScope, isEngineArg } from './global-scope.ts';
import type { ArgInstruction, Instruction } from './instructions/instruction.ts';
import { parseInstruction } from './instructions/table.ts';
import { checkFrontEnd, readDirectives } from './lex/directives.ts';
import { physicalLines } from './lex/lines.ts';
import type { Node } from './lex/nodes.ts';
import { parseLines } from './lex/parse.ts';
import type { ParsedDockerfile, ParsedStage } from './parsed.ts';
import { Planner } from './planner.ts';
import type { BuildInputs, StagePlan } from './program.ts';
import { StageNames } from './stage-names.ts';

export interface ParseOptions {
  /** Value of the build argument BUILDKIT_SYNTAX, which wins over `# syntax=`. */
  syntax?: string | undefined;
}

/**
 * Text to checked instructions, grouped by stage.
 * @param file the name by which the user knows the text, for places
 * @throws Problem with the place
 */
export function parseDockerfile(text: string, file: string, options: ParseOptions = {}): ParsedDockerfile {
  const source: Source = { file, text: text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '') };
  const { directives, nodes, remarks } = locate(source, undefined, () => {
    if (text.trim() === '') throw new Complaint(`the Dockerfile (${file}) cannot be empty`);
    const lines = physicalLines(text);
    const directives = readDirectives(lines);
    checkFrontEnd(directives, options.syntax);
    const parsed = parseLines(lines, directives);
    if (parsed.nodes.length === 0) throw new Complaint('file with no instructions');
    return { directives, ...parsed };
  });
  const warnings = new Warnings(source, directives.check.skip);
  for (const { rule, message, range } of remarks) warnings.add(rule, message, range);
  const grouped = group(source, nodes);
  for (const stage of grouped.stages) remarkOverridden(stage, warnings);
  return { source, directives, ...grouped, warnings: warnings.list };
}

function group(source: Source, nodes: readonly Node[]): { globalArgs: ArgInstruction[]; stages: ParsedStage[] } {
  const globalArgs: ArgInstruction[] = [];
  const stages: ParsedStage[] = [];
  for (const node of nodes) {
    locate(source, headOf(node), () => {
      const instruction = parseInstruction(node);
      const stage = stages.at(-1);
      if (instruction.kind === 'from') stages.push({ index: stages.length, from: instruction, instructions: [] });
      else if (stage !== undefined) stage.instructions.push(instruction);
      else if (instruction.kind === 'arg') globalArgs.push(instruction);
      else
        throw new Complaint('no build stage in current context', {
          hint: `${node.name} stands before the first FROM; only ARG may.`,
        });
    });
  }
  if (stages.length === 0)
    locate(source, undefined, () => {
      throw new Complaint('dockerfile contains no stages to build', { hint: 'At least one FROM is needed.' });
    });
  return { globalArgs, stages };
}

/** An instruction without its here-documents: what an excerpt should show. */
function headOf(node: Node): Range {
  return node.line.range(0, node.line.text.trimEnd().length);
}

const LAST_WINS = new Set(['cmd', 'entrypoint', 'healthcheck']);

function remarkOverridden(stage: ParsedStage, warnings: Warnings): void {
  const last = new Map<string, Instruction>();
  for (const instruction of stage.instructions) {
    if (instruction.kind === 'maintainer')
      warnings.add(
        'MaintainerDeprecated',
        'Maintainer instruction is deprecated in favor of using label',
        instruction.node.range,
      );
    if (!LAST_WINS.has(instruction.kind)) continue;
    const earlier = last.get(instruction.kind);
    if (earlier !== undefined)
      warnings.add(
        'MultipleInstructionsDisallowed',
        `Multiple ${instruction.node.name} instructions should not be used in the same stage because only the last one will be used`,
        earlier.node.range,
      );
    last.set(instruction.kind, instruction);
  }
}

/**
 * The third stage of the compiler: FROM lines are expanded, and the stages that the targets need are found: their own bases,
 * and whatever COPY --from and mounts name. TARGETSTAGE is the first target's name.
 * @throws Problem with the place
 */
export function planStages(parsed: ParsedDockerfile, inputs: BuildInputs): StagePlan {
  const names = new StageNames(parsed.stages);
  const targets = (inputs.targets ?? [undefined]).map((wanted) => findTarget(parsed, wanted, names));
  const targetName = parsed.stages[targets[0] ?? 0]?.from.name ?? '';
  const globals = globalScope(parsed, inputs, targetName);
  const warnings = new Warnings(parsed.source, parsed.directives.check.skip);
  warnings.list.push(...parsed.warnings);
  const planner = new Planner({ parsed, inputs, names, globals, warnings });
  for (const target of targets) planner.need(target);
  planner.remarkNames();
  return {
    stages: planner.needed(),
    spare: planner.spare(),
    targets,
    warnings: warnings.list,
    unusedBuildArgs: unusedBuildArgs(parsed, inputs),
  };
}

function findTarget(parsed: ParsedDockerfile, wanted: string | undefined, names: StageNames): number {
  if (wanted === undefined || wanted === '') return names.count - 1;
  const named = names.before(names.count, wanted);
  if (named !== undefined) return named;
  if (/^\d+$/.test(wanted) && Number(wanted) < names.count) return Number(wanted);
  const known = names.known();
  return locate(parsed.source, undefined, () => {
    throw new Complaint(`target stage ${JSON.stringify(wanted)} could not be found${didYouMean(wanted, known)}`, {
      code: 'not-found',
      hint:
        known.length === 0
          ? `The stages of ${parsed.source.file} have no names; numbers 0 to ${names.count - 1} can be given.`
          : `Stages of ${parsed.source.file}: ${known.join(', ')}.`,
    });
  });
}

function unusedBuildArgs(parsed: ParsedDockerfile, inputs: BuildInputs): string[] {
  const taken = new Set<string>();
  const take = (instruction: Instruction): void => {
    if (instruction.kind === 'arg') for (const arg of instruction.args) taken.add(arg.name);
    if (instruction.kind === 'onbuild') take(instruction.instruction);
  };
  for (const instruction of [...parsed.globalArgs, ...parsed.stages.flatMap((stage) => stage.instructions)])
    take(instruction);
  return Object.keys(inputs.buildArgs).filter((name) => !taken.has(name) && !isEngineArg(name));
}
