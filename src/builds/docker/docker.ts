import { nearest } from '../../lib/nearest.ts';
import { Problem, renderProblem } from '../../lib/problem.ts';
import type { NativeBuilder } from '../builders/native-builder.ts';
import { build } from './build.ts';
import type { DockerCommand, DockerSession } from './command.ts';
import { FlagError, parseFlags } from './flags.ts';
import { history } from './history.ts';
import { images, rmi, tag } from './images.ts';
import { inspect } from './inspect.ts';
import { login, version } from './login.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { load, save } from './save.ts';

const COMMANDS: readonly DockerCommand[] = [
  build,
  pull,
  push,
  tag,
  images,
  rmi,
  inspect,
  history,
  save,
  load,
  login,
  version,
];

/** `docker image X` and `docker X` are the same command; only these two are spelt differently. */
const UNDER_IMAGE: Record<string, string> = { ls: 'images', list: 'images', rm: 'rmi', remove: 'rmi' };

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

/** The words of a docker command that runs in a container of the builder's image; undefined when it is served here. */
export function servesDocker(args: readonly string[]): string | undefined {
  const { command, asked } = findCommand(args);
  return command !== undefined || asked === '' || asked.startsWith('-') ? undefined : `docker ${asked}`;
}

function findCommand(args: readonly string[]): {
  command: DockerCommand | undefined;
  rest: readonly string[];
  asked: string;
} {
  const [first = '', second = ''] = args;
  const grouped = first === 'image' || first === 'builder' || first === 'buildx';
  const asked = grouped ? (UNDER_IMAGE[second] ?? second) : first;
  return {
    command: COMMANDS.find(({ name }) => name === asked),
    rest: args.slice(grouped ? 2 : 1),
    asked: grouped ? `${first} ${second}` : first,
  };
}

function unknownCommand(asked: string, session: DockerSession): number {
  if (asked === '') {
    session.err(`Usage:  docker COMMAND\n\nCommands: ${COMMANDS.map(({ name }) => name).join(', ')}`);
    return 1;
  }
  if (asked.startsWith('-')) {
    session.err(`unknown flag: ${asked}`);
    session.err("See 'docker --help'.");
    return 125;
  }
  const meant = nearest(
    asked,
    COMMANDS.map(({ name }) => name),
  );
  session.err(`docker: '${asked}' is not a docker command that this server's docker builder knows.`);
  session.err(
    meant === undefined
      ? `It serves ${COMMANDS.map(({ name }) => name).join(', ')}. With an entrypoint (for example bash) the step gets a container with the docker client instead.`
      : `Did you mean 'docker ${meant}'?`,
  );
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
