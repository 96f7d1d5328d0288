import type { ArgInstruction } from '../instructions/instruction.ts';
import type { ParsedStage } from '../parsed.ts';
import { checkCasing } from './casing.ts';
import { checkDescriptions } from './descriptions.ts';
import { checkMaintainer } from './obsolete.ts';
import { checkStageNames } from './stage-names.ts';
import type { Remark } from './warnings.ts';

/** The rules that need the text alone; they look at every stage, also at those that are not built. */
export function checkText(globalArgs: readonly ArgInstruction[], stages: readonly ParsedStage[], remark: Remark): void {
  checkCasing(globalArgs, stages, remark);
  checkStageNames(stages, remark);
  checkDescriptions(globalArgs, stages, remark);
  for (const { instructions } of stages)
    for (const instruction of instructions) if (instruction.kind === 'maintainer') checkMaintainer(instruction, remark);
}
