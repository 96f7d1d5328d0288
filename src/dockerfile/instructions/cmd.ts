import type { Node } from '../lex/nodes.ts';
import { commandOf } from './counts.ts';
import { Flags } from './flags.ts';
import type { CommandInstruction } from './instruction.ts';

export function parseCmd(node: Node): CommandInstruction {
  new Flags(node, {});
  return { kind: 'cmd', node, command: commandOf(node.json, node.words) };
}
