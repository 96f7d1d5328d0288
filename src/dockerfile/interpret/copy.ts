import { posix } from 'node:path';
import type { Range } from '../../lib/problem.ts';
import type { Fix } from '../checks/fix.ts';
import { Complaint } from '../complaint.ts';
import { expand } from '../expand.ts';
import type { CopyInstruction } from '../instructions/instruction.ts';
import { bodyOf, type Heredoc } from '../lex/heredoc.ts';
import type { Word } from '../lex/nodes.ts';
import type { CopyOperation } from '../program.ts';
import { isGitSource, isRemoteSource } from './remote-source.ts';
import type { StageState } from './stage-state.ts';

export function applyCopy(state: StageState, instruction: CopyInstruction): void {
  const { node, kind, parents, link, keepGitDir, unpack } = instruction;
  const optional = (word: Word | undefined) => (word === undefined ? '' : state.expand(node, word)) || undefined;
  const written = instruction.sources.map((word) => sourceText(state, instruction, word));
  const target = state.expand(node, instruction.destination);
  const chown = optional(instruction.chown);
  const chmod = optional(instruction.chmod);
  const checksum = optional(instruction.checksum);
  if (chmod !== undefined) checkMode(chmod, [state.rangeOf(instruction.chmod?.range ?? node.range)]);
  if (checksum !== undefined)
    checkChecksum(checksum, written, [state.rangeOf(instruction.checksum?.range ?? node.range)]);
  const count = written.length + instruction.inline.length;
  const asFolder = /(?:^|\/)\.{0,2}$/.test(target);
  if (count > 1 && !asFolder)
    state.remark(
      'DestinationNotFolder',
      `${node.name} has ${count} sources, so ${target} is taken for a folder`,
      [instruction.destination.range],
      slashFix(instruction.destination),
    );
  const operation: CopyOperation = {
    kind,
    text: node.text,
    place: state.placeOf(node),
    from: sourceOf(state, instruction),
    sources: written.map((source) =>
      kind === 'add' && isRemoteSource(source) ? source : cleanSource(source, parents),
    ),
    inline: instruction.inline.map((heredoc) => ({
      name: heredoc.name,
      content: inlineContent(state, instruction, heredoc),
    })),
    destination: posix.resolve('/', state.cwd, target),
    intoFolder: asFolder || count > 1,
    link,
    parents,
    exclude: instruction.exclude.map((word) => state.expand(node, word)),
    keepGitDir,
    ...(chown === undefined ? {} : { chown }),
    ...(chmod === undefined ? {} : { chmod }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(unpack === undefined ? {} : { unpack }),
  };
  const parts = [
    node.name,
    ...(parents ? ['--parents'] : []),
    ...(chown === undefined ? [] : [`--chown=${chown}`]),
    ...(chmod === undefined ? [] : [`--chmod=${chmod}`]),
    ...written,
    ...instruction.inline.map((heredoc) => `<<${heredoc.name}`),
    target,
  ];
  state.operate(operation, parts.join(' '));
}

/** The classic builder refuses such a line, and a folder that is later renamed changes what it means. */
function slashFix({ text, range }: Word): Fix {
  return { text: `Write ${text}/`, edits: [{ range, text: `${text}/` }] };
}

/** An empty source would mean the whole context, which nobody writes as a variable without a value. */
function sourceText(state: StageState, { node }: CopyInstruction, word: Word): string {
  const text = state.expand(node, word);
  if (text !== '') return text;
  throw new Complaint(`${node.name} source ${word.text} is empty after substitution`, {
    ranges: [state.rangeOf(word.range)],
    hint: 'For the whole context write a dot: .',
  });
}

function sourceOf(state: StageState, { from }: CopyInstruction): CopyOperation['from'] {
  if (from === undefined) return { kind: 'context' };
  return state.stage.scope.names.source({ ...from, range: state.rangeOf(from.range) }, state.stage.index);
}

/** Below the root whatever it says: `../` ends there. The `/./` of --parents stays, it says what is kept of the path. */
function cleanSource(source: string, parents: boolean): string {
  const pivot = parents ? source.indexOf('/./') : -1;
  if (pivot < 0) return posix.normalize(`/${source}`).replace(/^\/|\/$/g, '') || '.';
  const front = posix.normalize(`/${source.slice(0, pivot)}`).replace(/^\/|\/$/g, '');
  const back = posix.normalize(`/${source.slice(pivot + 3)}`).replace(/^\/|\/$/g, '') || '.';
  return front === '' ? back : `${front}/./${back}`;
}

/** In here-documents only `$` and the backslash mean something; quotes are text. */
function inlineContent(state: StageState, { node }: CopyInstruction, heredoc: Heredoc): string {
  const body = bodyOf(heredoc);
  if (!heredoc.expand) return body;
  if (/\\[^\\$\n]/.test(body))
    state.remark('HeredocBackslash', `Backslashes in <<${heredoc.name} are removed`, [node.range], {
      text: `To keep the text as it is, write <<'${heredoc.name}'`,
    });
  const expansion = expand(body, state.lookup, { quotes: false });
  for (const { name, defined, guarded } of expansion.references)
    if (!defined && !guarded) state.remarkUndefined(node, name, node.range);
  return expansion.text;
}

const SYMBOLIC_MODE = /^[ugoa]*(?:[-+=](?:[rwxXst]+|[ugo])?)+(?:,[ugoa]*(?:[-+=](?:[rwxXst]+|[ugo])?)+)*$/;

function checkMode(mode: string, ranges: Range[]): void {
  if (/^[0-7]{1,4}$/.test(mode) || SYMBOLIC_MODE.test(mode)) return;
  throw new Complaint(`invalid chmod parameter: '${mode}'. it should be octal string and between 0 and 07777`, {
    ranges,
    hint: 'Or symbolic, as chmod takes it: u=rwX,go=rX',
  });
}

function checkChecksum(checksum: string, sources: readonly string[], ranges: Range[]): void {
  const [source = ''] = sources;
  if (sources.length !== 1 || !isRemoteSource(source))
    throw new Complaint('checksum can only be used with one HTTP(S) or git source', { ranges });
  const known = isGitSource(source)
    ? /^[0-9a-f]{7,64}$/
    : /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
  if (!known.test(checksum))
    throw new Complaint(`invalid checksum ${JSON.stringify(checksum)}`, {
      ranges,
      hint: isGitSource(source) ? 'A commit hash is expected.' : 'Write sha256: and 64 hexadecimal digits.',
    });
}
