import type { Node } from '../lex/nodes.ts';
import { exactlyOne } from './counts.ts';
import { Flags } from './flags.ts';
import type { TextInstruction } from './instruction.ts';

export function parseUser(node: Node): TextInstruction {
  new Flags(node, {});
  return { kind: 'user', node, value: exactlyOne(node) };
}
