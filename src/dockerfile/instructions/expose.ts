import type { Node } from '../lex/nodes.ts';
import { atLeastOne } from './counts.ts';
import { Flags } from './flags.ts';
import type { WordsInstruction } from './instruction.ts';

export function parseExpose(node: Node): WordsInstruction {
  new Flags(node, {});
  return { kind: 'expose', node, words: atLeastOne(node) };
}
