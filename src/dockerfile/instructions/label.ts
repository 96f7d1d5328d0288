import type { Node } from '../lex/nodes.ts';
import { parsePairs } from './env.ts';
import type { PairsInstruction } from './instruction.ts';

export function parseLabel(node: Node): PairsInstruction {
  return parsePairs(node, 'label');
}
