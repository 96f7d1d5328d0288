import type { ArgInstruction } from '../instructions/instruction.ts';
import type { Node } from '../lex/nodes.ts';
import type { ParsedStage } from '../parsed.ts';
import { insertLine } from './fix.ts';
import type { Remark } from './warnings.ts';

/** InvalidDefinitionDescription: the comment right above an ARG or a named FROM is its description, `# name what it is`. */
export function checkDescriptions(
  globalArgs: readonly ArgInstruction[],
  stages: readonly ParsedStage[],
  remark: Remark,
): void {
  const check = (node: Node, names: readonly string[]): void => {
    const described = node.comments.at(-1)?.text;
    const [first] = names;
    if (described === undefined || described === '' || /^check\s*=/i.test(described) || first === undefined) return;
    if (names.includes(described.split(' ')[0] ?? '')) return;
    const wanted = names.length > 1 ? '<arg_key>' : first;
    remark(
      'InvalidDefinitionDescription',
      `Comment for ${node.name} should follow the format: \`# ${wanted} <description>\``,
      [node.range],
      {
        text: 'Begin the comment with the name, or, where it describes nothing, leave an empty line below it',
        edits: [insertLine(node.range, '')],
      },
    );
  };
  const args = [...globalArgs];
  for (const { from, instructions } of stages) {
    check(from.node, from.name === undefined ? [] : [from.name]);
    for (const instruction of instructions) if (instruction.kind === 'arg') args.push(instruction);
  }
  for (const { node, args: declared } of args)
    check(
      node,
      declared.map(({ name }) => name),
    );
}
