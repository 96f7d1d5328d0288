import type { Instruction } from '../instructions/instruction.ts';
import { removeLines } from './fix.ts';
import type { Remark } from './warnings.ts';

const LAST_WINS = new Set(['cmd', 'entrypoint', 'healthcheck']);

/** MultipleInstructionsDisallowed, of the instructions of one stage. */
export function checkOverridden(instructions: readonly Instruction[], remark: Remark): void {
  const last = new Map<string, Instruction>();
  for (const instruction of instructions) {
    if (!LAST_WINS.has(instruction.kind)) continue;
    const earlier = last.get(instruction.kind);
    if (earlier !== undefined)
      remark(
        'MultipleInstructionsDisallowed',
        `Multiple ${earlier.node.name} instructions should not be used in the same stage because only the last one will be used`,
        [earlier.node.range],
        {
          text: `Remove this one: line ${instruction.node.range.line} takes its place`,
          edits: [removeLines(earlier.node.range)],
        },
      );
    last.set(instruction.kind, instruction);
  }
}
