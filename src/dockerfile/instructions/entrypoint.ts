import type { Node } from '../lex/nodes.ts';
import { commandOf } from './counts.ts';
import { Flags } from './flags.ts';
import type { CommandInstruction } from './instruction.ts';

export function parseEntrypoint(node: Node): CommandInstruction {
  new Flags(node, {});
  return { kind: 'entrypoint', node, command: commandOf(node.json, node.words) };
}
