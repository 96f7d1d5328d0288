import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { Flags } from './flags.ts';
import type { Instruction, OnbuildInstruction } from './instruction.ts';

const FORBIDDEN = new Set(['FROM', 'MAINTAINER']);

/** @param parse reads the instruction behind ONBUILD, so that its mistakes are found now and not in some later build */
export function parseOnbuild(node: Node, parse: (node: Node) => Instruction): OnbuildInstruction {
  new Flags(node, {});
  const { trigger } = node;
  if (trigger === undefined) throw new Complaint('ONBUILD requires at least one argument');
  const at = { ranges: [trigger.nameRange] };
  if (trigger.name === 'ONBUILD') throw new Complaint("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", at);
  if (FORBIDDEN.has(trigger.name)) throw new Complaint(`${trigger.name} isn't allowed as an ONBUILD trigger`, at);
  const bodies = trigger.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join('');
  return { kind: 'onbuild', node, trigger: trigger.text + bodies, instruction: parse(trigger) };
}
