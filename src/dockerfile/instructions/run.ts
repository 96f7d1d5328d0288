import { Complaint } from '../complaint.ts';
import type { Node, Word } from '../lex/nodes.ts';
import { commandOf } from './counts.ts';
import { Flags } from './flags.ts';
import type { RunInstruction } from './instruction.ts';
import { parseMount } from './mount.ts';

export function parseRun(node: Node): RunInstruction {
  refuseDevices(node);
  const flags = new Flags(node, { mount: 'many', network: 'text', security: 'text' });
  return {
    kind: 'run',
    node,
    command: commandOf(node.json, node.words),
    mounts: flags.many('mount').map(parseMount),
    network: oneOf(flags.text('network'), 'network', ['default', 'none', 'host']),
    security: oneOf(flags.text('security'), 'security', ['sandbox', 'insecure']),
  };
}

/** Still an experiment upstream: devices are named by CDI specifications, which this engine does not read. */
function refuseDevices({ flags }: Node): void {
  const device = flags.find(({ text }) => /^--device(?:=|$)/.test(text));
  if (device === undefined) return;
  throw new Complaint(`RUN ${device.text} is not supported`, {
    code: 'unsupported',
    ranges: [device.range],
    hint: 'A command that needs devices of the machine can run as a step of the build, outside of the Dockerfile.',
  });
}

function oneOf<T extends string>(word: Word | undefined, flag: string, allowed: readonly [T, ...T[]]): T {
  if (word === undefined) return allowed[0];
  const found = allowed.find((value) => value === word.text);
  if (found === undefined)
    throw new Complaint(`invalid ${flag} mode ${JSON.stringify(word.text)}`, {
      ranges: [word.range],
      hint: `--${flag} takes ${allowed.join(', ')}.`,
    });
  return found;
}
