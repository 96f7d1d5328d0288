import { checkOverridden } from './checks/overridden.ts';
import { Complaint, locate } from './complaint.ts';
import type { Instruction } from './instructions/instruction.ts';
import { parseInstruction } from './instructions/table.ts';
import { applyConfig } from './interpret/config.ts';
import { applyCopy } from './interpret/copy.ts';
import { applyRun } from './interpret/run.ts';
import { StageState } from './interpret/stage-state.ts';
import { applyArg, applyEnv, applyLabel, applyWorkdir } from './interpret/variables.ts';
import { readDirectives } from './lex/directives.ts';
import { physicalLines } from './lex/lines.ts';
import { parseLines } from './lex/parse.ts';
import type { BaseState, BuildInputs, Stage, StageProgram } from './program.ts';

/**
 * The last stage of the compiler: with the base's configuration known, every word gets its meaning. The base's ONBUILD
 * triggers run first and are not passed on.
 * @throws Problem with the place; what is wrong in a trigger is said of the FROM that brought it
 */
export function interpretStage(stage: Stage, base: BaseState, inputs: BuildInputs): StageProgram {
  const state = new StageState(stage, base, inputs);
  const { source } = stage.scope;
  checkOverridden(stage.instructions, state.remark);
  for (const trigger of base.config.config?.OnBuild ?? [])
    locate(source, stage.place.ranges[0], () => runTrigger(state, trigger));
  for (const instruction of stage.instructions) locate(source, instruction.node.range, () => apply(state, instruction));
  const { config } = state;
  config.Env = state.envList;
  return {
    operations: state.operations,
    config,
    ...(state.author === undefined ? {} : { author: state.author }),
    history: state.history,
    args: Object.fromEntries([...state.args].filter((entry): entry is [string, string] => entry[1] !== undefined)),
    warnings: state.warnings,
  };
}

function apply(state: StageState, instruction: Instruction): void {
  switch (instruction.kind) {
    case 'env':
      applyEnv(state, instruction);
      return;
    case 'label':
      applyLabel(state, instruction);
      return;
    case 'arg':
      applyArg(state, instruction);
      return;
    case 'workdir':
      applyWorkdir(state, instruction);
      return;
    case 'run':
      applyRun(state, instruction);
      return;
    case 'copy':
    case 'add':
      applyCopy(state, instruction);
      return;
    default:
      applyConfig(state, instruction);
  }
}

function runTrigger(state: StageState, trigger: string): void {
  try {
    const lines = physicalLines(trigger);
    const { nodes } = parseLines(lines, readDirectives([]));
    state.asTrigger(() => {
      for (const node of nodes) apply(state, parseInstruction(node));
    });
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new Complaint(`${error.message}: in ONBUILD ${trigger.split('\n')[0]}, a trigger of the base image`, {
      hint: error.hint,
      code: error.code,
    });
  }
}
