import { didYouMean } from '../../lib/nearest.ts';
import { Complaint } from '../complaint.ts';
import type { Node } from '../lex/nodes.ts';
import { INSTRUCTIONS } from '../lex/split.ts';
import { parseArg } from './arg.ts';
import { parseCmd } from './cmd.ts';
import { parseCopy } from './copy.ts';
import { parseEntrypoint } from './entrypoint.ts';
import { parseEnv } from './env.ts';
import { parseExpose } from './expose.ts';
import { parseFrom } from './from.ts';
import { parseHealthcheck } from './healthcheck.ts';
import type { Instruction } from './instruction.ts';
import { parseLabel } from './label.ts';
import { parseMaintainer } from './maintainer.ts';
import { parseOnbuild } from './onbuild.ts';
import { parseRun } from './run.ts';
import { parseShell } from './shell.ts';
import { parseStopsignal } from './stopsignal.ts';
import { parseUser } from './user.ts';
import { parseVolume } from './volume.ts';
import { parseWorkdir } from './workdir.ts';

const PARSERS: Record<string, (node: Node) => Instruction> = {
  ADD: parseCopy,
  ARG: parseArg,
  CMD: parseCmd,
  COPY: parseCopy,
  ENTRYPOINT: parseEntrypoint,
  ENV: parseEnv,
  EXPOSE: parseExpose,
  FROM: parseFrom,
  HEALTHCHECK: parseHealthcheck,
  LABEL: parseLabel,
  MAINTAINER: parseMaintainer,
  ONBUILD: (node) => parseOnbuild(node, parseInstruction),
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: parseStopsignal,
  USER: parseUser,
  VOLUME: parseVolume,
  WORKDIR: parseWorkdir,
};

/**
 * The second stage of the compiler: a node becomes a typed instruction, flags and counts checked, nothing expanded.
 * @throws Complaint
 */
export function parseInstruction(node: Node): Instruction {
  const parser = Object.hasOwn(PARSERS, node.name) ? PARSERS[node.name] : undefined;
  if (parser === undefined)
    throw new Complaint(`unknown instruction: ${node.name}${didYouMean(node.name, INSTRUCTIONS)}`, {
      ranges: [node.nameRange],
    });
  return parser(node);
}
