import { Complaint } from '../complaint.ts';
import { heredocOf } from '../lex/heredoc.ts';
import type { Node, Word } from '../lex/nodes.ts';
import { Flags } from './flags.ts';
import type { CopyInstruction } from './instruction.ts';

/** COPY and ADD: ADD also unpacks archives and fetches URLs and git repositories. */
export function parseCopy(node: Node): CopyInstruction {
  const add = node.name === 'ADD';
  const flags = new Flags(node, {
    ...(add ? {} : { from: 'text' }),
    chown: 'text',
    chmod: 'text',
    link: 'boolean',
    ...(add ? {} : { parents: 'boolean' }),
    exclude: 'many',
    ...(add ? { checksum: 'text', 'keep-git-dir': 'boolean', unpack: 'boolean' } : {}),
  });
  const destination = node.words.at(-1);
  if (destination === undefined) throw new Complaint(`${node.name} requires at least two arguments`);
  if (node.words.length === 1)
    throw new Complaint(
      `${node.name} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  if (isHeredoc(node, destination))
    throw new Complaint(`${node.name} cannot accept a heredoc as a destination`, { ranges: [destination.range] });
  const from = flags.text('from');
  checkFrom(from);
  const unpack = flags.boolean('unpack');
  return {
    kind: add ? 'add' : 'copy',
    node,
    sources: node.words.slice(0, -1).filter((word) => !isHeredoc(node, word)),
    inline: node.heredocs,
    destination,
    link: flags.boolean('link') ?? false,
    parents: flags.boolean('parents') ?? false,
    exclude: flags.many('exclude'),
    keepGitDir: flags.boolean('keep-git-dir') ?? false,
    ...(unpack === undefined ? {} : { unpack }),
    ...given('from', from),
    ...given('chown', flags.text('chown')),
    ...given('chmod', flags.text('chmod')),
    ...given('checksum', flags.text('checksum')),
  };
}

function isHeredoc(node: Node, word: Word): boolean {
  return !node.json && heredocOf(word.text) !== undefined;
}

function given<K extends string>(key: K, word: Word | undefined): { [key in K]?: Word } {
  return word === undefined ? {} : ({ [key]: word } as { [key in K]?: Word });
}

/** Which stage is meant must be known before anything is built, so no variable may decide it. */
function checkFrom(from: Word | undefined): void {
  if (from === undefined) return;
  if (from.text === '') throw new Complaint('missing a value on flag: from', { ranges: [from.range] });
  if (!from.text.includes('$')) return;
  throw new Complaint(
    'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
    {
      ranges: [from.range],
      hint: `Above this stage:\n    ARG ...\n    FROM ${from.text} AS source\nand here: --from=source`,
    },
  );
}
