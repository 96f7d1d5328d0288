import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { givenArg, PROXY_ARGS } from '../global-scope.ts';
import type { RunInstruction } from '../instructions/instruction.ts';
import { bodyOf, heredocOf } from '../lex/heredoc.ts';
import type { Node } from '../lex/nodes.ts';
import type { RunOperation } from '../program.ts';
import { expandMounts } from './mount.ts';
import type { StageState } from './stage-state.ts';

/** Where scripts of here-documents appear; BuildKit's place. */
const SCRIPTS = '/dev/pipes';

export function applyRun(state: StageState, instruction: RunInstruction): void {
  const { node, mounts, network, security } = instruction;
  const { args, script } = commandLine(state, instruction);
  const visible = [...state.args].filter(([name]) => !state.env.has(name));
  const known = visible.filter((entry): entry is [string, string] => entry[1] !== undefined);
  const operation: RunOperation = {
    kind: 'run',
    text: textOf(node),
    place: state.placeOf(node),
    args,
    env: [...state.envList, ...known.map(([name, value]) => `${name}=${value}`)],
    proxyEnv: proxyEnv(state),
    ...(script === undefined ? {} : { script }),
    cwd: state.cwd,
    user: state.config.User ?? '',
    network,
    mounts: expandMounts(state, node, mounts),
    security,
    argsUsed: Object.fromEntries(known),
  };
  const declared = [...state.ownArgs].map((name) => `${name}=${state.lookup(name) ?? ''}`);
  const prefix = declared.length === 0 ? '' : `|${declared.length} ${declared.join(' ')} `;
  state.operate(operation, `RUN ${prefix}${args.join(' ')}`);
}

/** The line as progress shows it: a script is hinted at by its first line. */
function textOf(node: Node): string {
  const first = node.heredocs[0];
  const line =
    first === undefined
      ? undefined
      : bodyOf(first)
          .split('\n')
          .find((each) => /^[^#]*\S/.test(each));
  return line === undefined ? node.text : `${node.text} (${line.trim()}...)`;
}

function proxyEnv(state: StageState): string[] {
  return [...PROXY_ARGS].flatMap((name) => {
    const value = state.args.has(name) || state.env.has(name) ? undefined : givenArg(state.inputs, name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/**
 * The arguments to execute. `RUN <<EOF` alone: the body is the script, read by the SHELL, or by its own interpreter when
 * it begins with `#!`. Any other here-document is the shell's own affair and is put behind the line again.
 */
function commandLine(state: StageState, { node, command }: RunInstruction): Pick<RunOperation, 'args' | 'script'> {
  if (command.form === 'exec') return { args: command.args };
  const [first] = node.heredocs;
  if (first === undefined) return { args: [...state.shell, command.line] };
  if (heredocOf(command.line) === undefined) {
    const bodies = node.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join('');
    return { args: [...state.shell, command.line + bodies] };
  }
  const content = bodyOf(first);
  if (!content.startsWith('#!')) return { args: [...state.shell, content] };
  const digest = createHash('sha256').update(content).digest('hex');
  const path = posix.join(SCRIPTS, digest.slice(0, 32), first.name);
  return { args: [path], script: { path, content } };
}
