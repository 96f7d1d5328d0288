import { nearest } from '../../lib/nearest.ts';
import { Problem, renderProblem } from '../../lib/problem.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { NativeBuilder } from '../builders/native-builder.ts';
import type { DockerCommand, DockerSession } from './command.ts';
import { findCommand, TOP_COMMANDS } from './commands.ts';
import { FlagError, parseFlags } from './flags.ts';
import { StepLogins } from './logins.ts';

/** `docker ...` served by the engine: docker's own words on both streams, and its exit codes. */
export const docker: NativeBuilder = async (args, context) => {
  const session: DockerSession = {
    ...context,
    out: (line) => context.output.stdout(`${line}\n`),
    err: (line) => context.output.stderr(`${line}\n`),
  };
  const { command, rest, asked } = findCommand(args);
  if (command === undefined) return unknownCommand(asked, session);
  try {
    const credentials = await new StepLogins(context).credentials((host) => isOwnHost(host, context.ownNames));
    if (credentials !== undefined) session.caller = { ...context.caller, credentials };
    const flags = parseFlags(command.flags, rest);
    const complaint = countComplaint(command, flags.args.length);
    if (complaint === undefined) return await command.run(flags, session);
    for (const line of [complaint, `See 'docker ${command.name} --help'.`, '', usage(command), '', command.summary])
      session.err(line);
    return 1;
  } catch (error) {
    if (error instanceof FlagError) {
      session.err(error.message);
      session.err(`See 'docker ${command.name} --help'.`);
      return 125;
    }
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    return report(error, session);
  }
};

function unknownCommand(asked: string, session: DockerSession): number {
  if (asked === '' || asked === 'help' || asked === '--help' || asked === '-h') {
    session.out(`Usage:  docker [OPTIONS] COMMAND\n\nServed without a container: ${TOP_COMMANDS.join(', ')}`);
    return asked === '' ? 1 : 0;
  }
  if (asked.startsWith('-')) {
    session.err(`unknown flag: ${asked}`);
    session.err("See 'docker --help'.");
    return 125;
  }
  session.err(`docker: unknown command: docker ${asked}`);
  const meant = nearest(asked, TOP_COMMANDS);
  if (meant !== undefined) session.err(`Did you mean 'docker ${meant}'?`);
  return 1;
}

function countComplaint({ name, args }: DockerCommand, count: number): string | undefined {
  if (count >= args.min && count <= args.max) return undefined;
  const plural = (n: number) => `${n} argument${n === 1 ? '' : 's'}`;
  if (args.max === 0) return `"docker ${name}" accepts no arguments.`;
  if (args.min === args.max) return `"docker ${name}" requires exactly ${plural(args.min)}.`;
  if (count < args.min) return `"docker ${name}" requires at least ${plural(args.min)}.`;
  return `"docker ${name}" requires at most ${plural(args.max)}.`;
}

function usage({ name, usage: behind }: DockerCommand): string {
  return `Usage:  docker ${name} ${behind}`;
}

/** A Problem with a place is shown with its excerpt; any other in one line, as the daemon's, with our advice below. */
function report(problem: Problem, session: DockerSession): number {
  if (problem.place !== undefined) for (const line of renderProblem(problem).split('\n')) session.err(line);
  else {
    session.err(`Error response from daemon: ${problem.message}`);
    if (problem.hint !== undefined) for (const line of problem.hint.split('\n')) session.err(line);
  }
  return 1;
}
