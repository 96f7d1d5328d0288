import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { Flags } from './flags.ts';
import type { PairsInstruction } from './instruction.ts';

export function parseEnv(node: Node): PairsInstruction {
  return parsePairs(node, 'env');
}

/** ENV and LABEL are alike: at least one pair, no empty name. */
export function parsePairs(node: Node, kind: 'env' | 'label'): PairsInstruction {
  new Flags(node, {});
  if (node.pairs.length === 0) throw new Complaint(`${node.name} requires at least one argument`);
  for (const { key } of node.pairs)
    if (key.text === '') throw new Complaint(`${node.name} names can not be blank`, { ranges: [key.range] });
  return { kind, node, pairs: node.pairs };
}
