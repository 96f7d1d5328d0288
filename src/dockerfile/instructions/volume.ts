import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { atLeastOne } from './counts.ts';
import { Flags } from './flags.ts';
import type { WordsInstruction } from './instruction.ts';

export function parseVolume(node: Node): WordsInstruction {
  new Flags(node, {});
  const words = atLeastOne(node);
  if (words.some((word) => word.text.trim() === '')) throw new Complaint('VOLUME specified can not be an empty string');
  return { kind: 'volume', node, words };
}
