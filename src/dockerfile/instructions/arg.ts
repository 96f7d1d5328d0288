import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { atLeastOne } from './counts.ts';
import { Flags } from './flags.ts';
import type { ArgInstruction } from './instruction.ts';

export function parseArg(node: Node): ArgInstruction {
  new Flags(node, {});
  const args = atLeastOne(node).map((word) => {
    const equals = word.text.indexOf('=');
    const name = equals < 0 ? word.text : word.text.slice(0, equals);
    if (name === '') throw new Complaint('ARG names can not be blank', { ranges: [word.range] });
    if (equals < 0) return { name, word };
    return { name, word, value: { ...word, text: word.text.slice(equals + 1), start: word.start + equals + 1 } };
  });
  return { kind: 'arg', node, args };
}
