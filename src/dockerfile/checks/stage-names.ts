import type { ParsedStage } from '../parsed.ts';
import type { Remark } from './warnings.ts';

const RESERVED = new Set(['scratch', 'context']);

/** DuplicateStageName, ReservedStageName. */
export function checkStageNames(stages: readonly ParsedStage[], remark: Remark): void {
  const seen = new Map<string, number>();
  for (const { from } of stages) {
    const { name, nameWord, node } = from;
    if (name === undefined || nameWord === undefined) continue;
    if (RESERVED.has(name))
      remark(
        'ReservedStageName',
        `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`,
        [nameWord.range],
        { text: `Choose another name: ${name} means ${name === 'scratch' ? 'an empty image' : 'the build context'}` },
      );
    const earlier = seen.get(name);
    if (earlier !== undefined)
      remark(
        'DuplicateStageName',
        `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`,
        [nameWord.range],
        { text: `Rename one of them (the other is on line ${earlier}); a line below means the nearest above it` },
      );
    seen.set(name, node.range.line);
  }
}
