import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { Flags } from './flags.ts';
import type { FromInstruction } from './instruction.ts';

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

export function parseFrom(node: Node): FromInstruction {
  const flags = new Flags(node, { platform: 'text' });
  const [image, as, nameWord] = node.words;
  const platform = flags.text('platform');
  const base = { kind: 'from', node, ...(platform === undefined ? {} : { platform }) } as const;
  if (image !== undefined && node.words.length === 1) return { ...base, image };
  if (image === undefined || nameWord === undefined || node.words.length > 3 || as?.text.toLowerCase() !== 'as')
    throw new Complaint('FROM requires either one or three arguments', {
      hint: 'Write FROM image, or FROM image AS name.',
    });
  const name = nameWord.text.toLowerCase();
  if (!STAGE_NAME.test(name))
    throw new Complaint(
      `invalid name for build stage: ${JSON.stringify(nameWord.text)}, name can't start with a number or contain symbols`,
      { ranges: [nameWord.range] },
    );
  return { ...base, image, name, nameWord, as };
}
