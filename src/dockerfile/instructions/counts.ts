import { Complaint } from '../complaint.ts';
import type { Node, Word } from '../lex/nodes.ts';
import type { Command } from './instruction.ts';

/** @throws Complaint unless the instruction has one argument */
export function exactlyOne(node: Node): Word {
  const [word] = node.words;
  if (word === undefined || node.words.length > 1) throw new Complaint(`${node.name} requires exactly one argument`);
  return word;
}

/** @throws Complaint when there is none */
export function atLeastOne(node: Node): Word[] {
  if (node.words.length === 0) throw new Complaint(`${node.name} requires at least one argument`);
  return node.words;
}

export function commandOf(json: boolean, words: readonly Word[]): Command {
  return json
    ? { form: 'exec', args: words.map((word) => word.text) }
    : { form: 'shell', line: words.map((word) => word.text).join(' ') };
}
