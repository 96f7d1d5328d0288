import { Flags } from '../flags.ts';
import type { Node } from '../nodes.ts';
import { commandOf } from './counts.ts';
import type { CommandInstruction } from './instruction.ts';

export function parseEntrypoint(node: Node): CommandInstruction {
  new Flags(node, {});
  return { kind: 'entrypoint', node, command: commandOf(node.json, node.words) };
}
