import { nearest } from '../../lib/nearest.ts';
import { build } from './build.ts';
import * as buildx from './buildx.ts';
import type { DockerCommand } from './command.ts';
import { history } from './history.ts';
import { images, rmi, tag } from './images.ts';
import { inspect } from './inspect.ts';
import { login, logout } from './login.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { load, save } from './save.ts';
import { version } from './version.ts';

const byName = (...commands: DockerCommand[]) => new Map(commands.map((command) => [command.name, command]));

const OF_IMAGES = byName(build, pull, push, tag, inspect, history, save, load);

/** What is served, by the words behind `docker`; everything else of docker runs in a container of the builder's image. */
const TOP = new Map([...OF_IMAGES, ...byName(images, rmi, login, logout, version)]);

const GROUPS: Record<string, ReadonlyMap<string, DockerCommand>> = {
  image: new Map([...OF_IMAGES, ['ls', images], ['list', images], ['rm', rmi], ['remove', rmi]]),
  builder: byName(build),
  buildx: new Map([
    ['build', build],
    ['b', build],
    ['version', version],
    ...byName(buildx.create, buildx.use, buildx.remove, buildx.inspectBuilder, buildx.list),
  ]),
};

/** Flags in front of the command that change nothing here, and whether a value follows them. */
const GLOBAL: Record<string, boolean> = { '-D': false, '--debug': false, '-l': true, '--log-level': true };

export interface AskedCommand {
  command: DockerCommand | undefined;
  rest: readonly string[];
  /** Its words, for people. */
  asked: string;
}

export function findCommand(line: readonly string[]): AskedCommand {
  const args = withoutGlobals(line);
  const [first = '', second = ''] = args;
  if (first === '--version' || first === '-v') return { command: version, rest: [], asked: first };
  const group = Object.hasOwn(GROUPS, first) ? GROUPS[first] : undefined;
  if (group === undefined) {
    const rest = args.slice(1);
    return { command: isOfImages(first, rest) ? TOP.get(first) : undefined, rest, asked: first };
  }
  return { command: group.get(second), rest: args.slice(2), asked: `${first} ${second}`.trimEnd() };
}

/** `docker inspect --type container` asks for what only the build's docker socket knows. */
function isOfImages(name: string, rest: readonly string[]): boolean {
  if (name !== 'inspect') return true;
  const at = rest.indexOf('--type');
  const type = at >= 0 ? rest[at + 1] : rest.find((word) => word.startsWith('--type='))?.slice(7);
  return type === undefined || type === 'image';
}

function withoutGlobals(line: readonly string[]): readonly string[] {
  let at = 0;
  for (;;) {
    const word = line[at] ?? '';
    if (Object.hasOwn(GLOBAL, word)) at += GLOBAL[word] === true ? 2 : 1;
    else if (/^--(?:debug|log-level)=/.test(word)) at++;
    else return line.slice(at);
  }
}

/** Commands of docker 28, and plugins that people have, beside those that are served. */
const OTHERS = new Set(
  `attach checkpoint commit compose config container context cp create debug diff events exec export import info init kill logs
  manifest model network node pause plugin port ps rename restart rm run sbom scout search secret service stack start stats
  stop swarm system top trust unpause update volume wait`.split(/\s+/),
);

/** In front of the command, these mean another daemon or another configuration. */
const ELSEWHERE = /^(?:-H|--host|-c|--context|--config|--tls\w*)(?:=|$)/;

/** The words of a docker command that runs in a container of the builder's image; undefined when it is answered here. */
export function beyondDocker(args: readonly string[]): string | undefined {
  const { command, asked } = findCommand(args);
  if (command !== undefined) return undefined;
  const [first = ''] = asked.split(' ');
  const isOther = OTHERS.has(first) || ELSEWHERE.test(first) || Object.hasOwn(GROUPS, first) || first === 'inspect';
  if (isOther) return `docker ${asked}`;
  // a plugin that we never heard of, unless it is one of ours misspelt
  return /^[a-z]/.test(first) && first !== 'help' && nearest(first, TOP_COMMANDS) === undefined
    ? `docker ${asked}`
    : undefined;
}

export const TOP_COMMANDS: readonly string[] = [...TOP.keys()];
