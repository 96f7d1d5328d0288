import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { atLeastOne } from './counts.ts';
import { Flags } from './flags.ts';
import type { ShellInstruction } from './instruction.ts';

export function parseShell(node: Node): ShellInstruction {
  new Flags(node, {});
  if (!node.json && node.words.length > 0)
    throw new Complaint('SHELL requires the arguments to be in JSON form', {
      ranges: node.words.map((word) => word.range),
      hint: `Write SHELL ${JSON.stringify(node.words.flatMap((word) => word.text.split(/\s+/))).replaceAll(',', ', ')}`,
    });
  return { kind: 'shell', node, args: atLeastOne(node).map((word) => word.text) };
}
