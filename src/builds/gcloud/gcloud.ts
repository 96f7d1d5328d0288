import { posix } from 'node:path';
import { Problem } from '../../lib/problem.ts';
import type { NativeBuilder } from '../builders/native-builder.ts';
import { FlagError, type FlagSpec, type Flags, parseFlags } from '../docker/flags.ts';
import { CommandException, type GsutilSession, NotAFolder, NothingMatched } from '../gsutil/session.ts';
import { flagsOf, type GcloudCommand, GcloudError } from './command.ts';
import * as config from './config.ts';
import { addTag, addTags } from './images.ts';
import * as buckets from './storage-buckets.ts';
import { cp, mv, rsync } from './storage-copy.ts';
import { cat, describeObject, ls, rm } from './storage-list.ts';

/** What is served, by the words behind `gcloud`; everything else runs in a container of the builder's image. */
const COMMANDS: Record<string, GcloudCommand> = {
  'storage cp': cp,
  'storage mv': mv,
  'storage rsync': rsync,
  'storage ls': ls,
  'storage cat': cat,
  'storage rm': rm,
  'storage objects describe': describeObject,
  'storage buckets create': buckets.create,
  'storage buckets delete': buckets.remove,
  'storage buckets describe': buckets.describe,
  'storage buckets list': buckets.list,
  'artifacts docker tags add': addTag,
  'container images add-tag': addTags,
  'auth configure-docker': config.configureDocker,
  'config set': config.set,
  'config get': config.getValue,
  'config get-value': config.getValue,
};

/** Every command has these. Who asks and which project is meant are the build's, whatever they say. */
const EVERYWHERE: readonly FlagSpec[] = [
  ...flagsOf('switch', ['quiet', 'q'], 'user-output-enabled', 'no-user-output-enabled', 'log-http'),
  ...flagsOf('value', 'project', 'billing-project', 'verbosity'),
];

interface Asked {
  words: string;
  command: GcloudCommand | undefined;
  flags: Flags | undefined;
  complaint?: string;
}

/** `gcloud ...` served by the engine and our buckets, in gcloud's words. */
export const gcloud: NativeBuilder = async (args, context) => {
  const session: GsutilSession = {
    ...context,
    quiet: false,
    upload: {},
    out: (line) => context.output.stdout(`${line}\n`),
    err: (line) => context.output.stderr(`${line}\n`),
    absolute: (path) => posix.resolve(context.cwd, path),
  };
  const { words, command, flags, complaint } = find(args);
  const fail = (message: string, code = 1) => {
    for (const line of `ERROR: (gcloud.${words.replaceAll(' ', '.')}) ${message}`.split('\n')) session.err(line);
    return code;
  };
  if (command === undefined || flags === undefined) return fail(complaint ?? 'Command name argument expected.', 2);
  const project = flags.one('project') ?? context.caller.project;
  if (project !== context.caller.project)
    return fail(`--project=${project}: this build runs in project ${context.caller.project} and reaches no other`);
  if (flags.args.length < command.args.min || flags.args.length > command.args.max)
    return fail(
      flags.args.length < command.args.min
        ? 'argument: Must be specified.'
        : `unrecognized arguments: ${flags.args.slice(command.args.max).join(' ')}`,
      2,
    );
  try {
    return await command.run(flags, session);
  } catch (error) {
    if (error instanceof NothingMatched) return fail(`The following URLs matched no objects or files:\n${error.url}`);
    if (error instanceof NotAFolder)
      return fail(`Destination URL must name an existing directory. Provided: ${error.destination}.`);
    if (error instanceof GcloudError || error instanceof CommandException) return fail(error.message);
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    return fail(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  }
};

/** The words of a command, or of one with flags that we don't know, which runs in a container of the builder's image. */
export function beyondGcloud(args: readonly string[]): string | undefined {
  const { words, command, flags } = find(args);
  if (command === undefined) return words === '' ? undefined : `gcloud ${words}`;
  if (flags === undefined || command.beyond?.(flags)) return `gcloud ${words} with these flags`;
  return undefined;
}

function find(args: readonly string[]): Asked {
  const { front, rest } = splitFront(args);
  for (let count = Math.min(4, rest.length); count > 0; count--) {
    const words = rest.slice(0, count).join(' ');
    const command = Object.hasOwn(COMMANDS, words) ? COMMANDS[words] : undefined;
    if (command === undefined) continue;
    try {
      return { words, command, flags: parseFlags([...EVERYWHERE, ...command.flags], [...front, ...rest.slice(count)]) };
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      return { words, command, flags: undefined, complaint: error.message };
    }
  }
  const end = rest.findIndex((word) => !/^[a-z][a-z0-9-]*$/.test(word));
  return { words: rest.slice(0, end < 0 ? 3 : Math.min(end, 3)).join(' '), command: undefined, flags: undefined };
}

/** Flags may stand in front of the command; alpha and beta are the same here. */
function splitFront(args: readonly string[]): { front: string[]; rest: string[] } {
  const front: string[] = [];
  const rest = [...args];
  while (rest[0]?.startsWith('-')) {
    const flag = rest.shift() ?? '';
    front.push(flag);
    if (/^--(?:project|billing-project|verbosity)$/.test(flag)) front.push(...rest.splice(0, 1));
  }
  if (rest[0] === 'alpha' || rest[0] === 'beta') rest.shift();
  return { front, rest };
}
