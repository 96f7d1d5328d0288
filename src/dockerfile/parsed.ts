import type { CheckPolicy } from './checks/policy.ts';
import type { Warning } from './checks/warnings.ts';
import type { Source } from './complaint.ts';
import type { ArgInstruction, FromInstruction, Instruction } from './instructions/instruction.ts';
import type { Directives } from './lex/directives.ts';

export interface ParsedStage {
  /** Position in the file, from 0. */
  index: number;
  from: FromInstruction;
  instructions: Instruction[];
}

/** A Dockerfile whose every instruction has been read and checked; no variable is expanded yet. */
export interface ParsedDockerfile {
  source: Source;
  directives: Directives;
  checks: CheckPolicy;
  /** ARGs before the first FROM. */
  globalArgs: ArgInstruction[];
  stages: ParsedStage[];
  warnings: Warning[];
}
