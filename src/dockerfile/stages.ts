import { didYouMean, nearest } from '../lib/nearest.ts';
import type { Range } from '../lib/problem.ts';
import { readCheckOptions } from './checks/options.ts';
import { CheckPolicy } from './checks/policy.ts';
import { checkText } from './checks/text.ts';
import { remarker, type Warning } from './checks/warnings.ts';
import { Complaint, locate, type Source } from './complaint.ts';
import { ContextNames } from './context-names.ts';
import { globalScope, isEngineArg } from './global-scope.ts';
import type { Instruction } from './instructions/instruction.ts';
import { parseInstruction } from './instructions/table.ts';
import { checkForeign, checkFrontEnd, readDirectives } from './lex/directives.ts';
import { physicalLines } from './lex/lines.ts';
import type { Node } from './lex/nodes.ts';
import { parseLines } from './lex/parse.ts';
import type { ParsedDockerfile } from './parsed.ts';
import { Planner } from './planner.ts';
import type { BuildInputs, StagePlan } from './program.ts';
import { StageNames } from './stage-names.ts';

export interface ParseOptions {
  /** Value of the build argument BUILDKIT_SYNTAX, which wins over `# syntax=`. */
  syntax?: string | undefined;
  /** Value of the build argument BUILDKIT_DOCKERFILE_CHECK, which wins over `# check=`. */
  check?: string | undefined;
  /** Where warnings are gathered: also those about a text that turns out to be wrong further down. */
  warnings?: Warning[] | undefined;
}

/**
 * Text to checked instructions, grouped by stage.
 * @param file the name by which the user knows the text, for places
 * @throws Problem with the place
 */
export function parseDockerfile(text: string, file: string, options: ParseOptions = {}): ParsedDockerfile {
  const source: Source = { file, text: text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '') };
  const { directives, nodes, remarks, checks, strange } = locate(source, undefined, () => {
    if (text.trim() === '') throw new Complaint(`the Dockerfile (${file}) cannot be empty`);
    checkForeign(text, options.syntax);
    const lines = physicalLines(text);
    const directives = readDirectives(lines);
    checkFrontEnd(directives, options.syntax);
    const { check } = directives;
    const asked = options.check ?? check?.value ?? 'skip=';
    const ranges = options.check === undefined && check !== undefined ? [check.range] : [];
    const { strange, ...given } = readCheckOptions(asked, ranges);
    const parsed = parseLines(lines, directives);
    if (parsed.nodes.length === 0) throw new Complaint('file with no instructions');
    const checks = new CheckPolicy(given, parsed.nodes);
    return { directives, ...parsed, checks, strange: strange.map((name) => ({ name, ranges })) };
  });
  const warnings = options.warnings ?? [];
  const remark = remarker(source, checks, (warning) => warnings.push(warning));
  for (const { rule, message, ranges, fix } of remarks) remark(rule, message, ranges, fix);
  for (const { name, ranges } of strange) remark('UnknownCheck', `no check is called ${name}`, ranges);
  const grouped: Grouped = { globalArgs: [], stages: [] };
  try {
    group(source, nodes, grouped);
  } finally {
    checkText(grouped.globalArgs, grouped.stages, remark);
  }
  return { source, directives, checks, ...grouped, warnings };
}

type Grouped = Pick<ParsedDockerfile, 'globalArgs' | 'stages'>;

function group(source: Source, nodes: readonly Node[], { globalArgs, stages }: Grouped): void {
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
}

/** An instruction without its here-documents: what an excerpt should show. */
function headOf(node: Node): Range {
  return node.line.range(0, node.line.text.trimEnd().length);
}

/**
 * The third stage of the compiler: FROM lines are expanded, and the stages that the targets need are found: their own bases,
 * and whatever COPY --from and mounts name. TARGETSTAGE is the first target's name.
 * @throws Problem with the place
 */
export function planStages(parsed: ParsedDockerfile, inputs: BuildInputs): StagePlan {
  const names = new StageNames(parsed.stages, new ContextNames(inputs.contexts));
  const targets = (inputs.targets ?? [undefined]).map((wanted) => findTarget(parsed, wanted, names));
  const targetName = parsed.stages[targets[0] ?? 0]?.from.name ?? '';
  const globals = globalScope(parsed, inputs, targetName);
  const defaults = globalScope(parsed, { ...inputs, buildArgs: {} }, targetName);
  const warnings = [...parsed.warnings];
  const remark = remarker(parsed.source, parsed.checks, (warning) => warnings.push(warning));
  const planner = new Planner({ parsed, inputs, names, globals, defaults, remark });
  for (const target of targets) planner.need(target);
  return {
    stages: planner.needed(),
    spare: planner.spare(),
    targets,
    warnings,
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

function unusedBuildArgs(parsed: ParsedDockerfile, inputs: BuildInputs): StagePlan['unusedBuildArgs'] {
  const taken = new Set<string>();
  const take = (instruction: Instruction): void => {
    if (instruction.kind === 'arg') for (const arg of instruction.args) taken.add(arg.name);
    if (instruction.kind === 'onbuild') take(instruction.instruction);
  };
  for (const instruction of [...parsed.globalArgs, ...parsed.stages.flatMap((stage) => stage.instructions)])
    take(instruction);
  return Object.keys(inputs.buildArgs)
    .filter((name) => !taken.has(name) && !isEngineArg(name))
    .map((name) => ({ name, meant: nearest(name, taken) }));
}
