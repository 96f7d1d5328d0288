import type { ArgInstruction, FromInstruction } from '../instructions/instruction.ts';
import type { Node } from '../lex/nodes.ts';
import type { ParsedStage } from '../parsed.ts';
import type { Remark } from './warnings.ts';

/** ConsistentInstructionCasing, FromAsCasing, StageNameCasing. */
export function checkCasing(
  globalArgs: readonly ArgInstruction[],
  stages: readonly ParsedStage[],
  remark: Remark,
): void {
  const nodes = [
    ...globalArgs.map(({ node }) => node),
    ...stages.flatMap(({ from, instructions }) => [from.node, ...instructions.map(({ node }) => node)]),
  ];
  checkInstructions(nodes, remark);
  for (const { from } of stages) checkFrom(from, remark);
}

/** The case of most names is the file's; those of mixed case don't vote. */
function checkInstructions(nodes: readonly Node[], remark: Remark): void {
  let lower = 0;
  let upper = 0;
  for (const { written } of nodes) {
    if (written === written.toLowerCase()) lower++;
    else if (written === written.toUpperCase()) upper++;
  }
  const isLower = lower > upper;
  for (const { written, nameRange } of nodes) {
    const right = isLower ? written.toLowerCase() : written.toUpperCase();
    if (written === right) continue;
    remark(
      'ConsistentInstructionCasing',
      `Command '${written}' should match the case of the command majority (${isLower ? 'lowercase' : 'uppercase'})`,
      [nameRange],
      { text: `Write ${right}`, edits: [{ range: nameRange, text: right }] },
    );
  }
}

function checkFrom({ node, as, name, nameWord }: FromInstruction, remark: Remark): void {
  if (nameWord !== undefined && name !== undefined && nameWord.text !== name)
    remark('StageNameCasing', `Stage name '${nameWord.text}' should be lowercase`, [nameWord.range], {
      text: `Write ${name}; COPY --from and FROM find it in any case`,
      edits: [{ range: nameWord.range, text: name }],
    });
  const cased = caseOf(node.written);
  if (as === undefined || cased === undefined || caseOf(as.text) === cased) return;
  const right = cased === 'lower' ? 'as' : 'AS';
  remark(
    'FromAsCasing',
    `'${as.text}' and '${node.written}' keywords' casing do not match`,
    [node.nameRange, as.range],
    { text: `Write ${right}`, edits: [{ range: as.range, text: right }] },
  );
}

function caseOf(word: string): 'lower' | 'upper' | undefined {
  if (word === word.toLowerCase()) return 'lower';
  return word === word.toUpperCase() ? 'upper' : undefined;
}
