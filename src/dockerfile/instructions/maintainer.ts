import type { Node } from '../lex/nodes.ts';
import { exactlyOne } from './counts.ts';
import { Flags } from './flags.ts';
import type { TextInstruction } from './instruction.ts';

export function parseMaintainer(node: Node): TextInstruction {
  new Flags(node, {});
  return { kind: 'maintainer', node, value: exactlyOne(node) };
}
