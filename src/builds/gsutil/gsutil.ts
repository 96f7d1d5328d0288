import { posix } from 'node:path';
import { nearest } from '../../lib/nearest.ts';
import { Problem } from '../../lib/problem.ts';
import type { NativeBuilder } from '../builders/native-builder.ts';
import { mb, rb } from './buckets.ts';
import { cat } from './cat.ts';
import { compose } from './compose.ts';
import { cp, mv } from './cp.ts';
import { du, hash } from './describe.ts';
import { readHeaders, setmeta } from './headers.ts';
import { ls, stat } from './list.ts';
import { rm } from './remove.ts';
import { rsync } from './rsync.ts';
import { CommandException, type GsutilCommand, type GsutilSession } from './session.ts';

const COMMANDS: Record<string, GsutilCommand> = {
  cat,
  compose,
  cp,
  du,
  hash,
  ls,
  mb,
  mv,
  rb,
  rm,
  rsync,
  setmeta,
  stat,
  version: async (_args, session) => {
    session.out('Slipway: the gsutil builder of this server');
    return 0;
  },
};

/** Commands about what buckets of this server don't have, and what takes its place. */
const REFUSED: Record<string, string> = {
  ...Object.fromEntries(
    ['acl', 'defacl', 'iam', 'bucketpolicyonly', 'ubla', 'pap', 'requesterpays'].map((name) => [
      name,
      'buckets here have no access lists: builds reach those of their project, people what their token allows (slipway token create)',
    ]),
  ),
  ...Object.fromEntries(
    [
      'cors',
      'web',
      'logging',
      'lifecycle',
      'versioning',
      'retention',
      'defstorageclass',
      'autoclass',
      'rpo',
      'label',
    ].map((name) => [name, 'buckets here have no such setting']),
  ),
  ...Object.fromEntries(
    ['notification', 'hmac', 'kms', 'signurl', 'rewrite', 'perfdiag', 'test', 'update', 'config'].map((name) => [
      name,
      'this server has no such thing',
    ]),
  ),
};

/** Global flags that change how gsutil works and not what it does: parallel, debugging, options of boto, user project, impersonation. */
const WITHOUT_EFFECT: Record<string, boolean> = {
  '-m': false,
  '-D': false,
  '-DD': false,
  '-o': true,
  '-u': true,
  '-i': true,
};

/** `gsutil ...` between our buckets and the workspace, in gsutil's own words. */
export const gsutil: NativeBuilder = async (args, context) => {
  const rest = [...args];
  const session: GsutilSession = {
    ...context,
    quiet: false,
    upload: {},
    out: (line) => context.output.stdout(`${line}\n`),
    err: (line) => context.output.stderr(`${line}\n`),
    absolute: (path) => posix.resolve(context.cwd, path),
  };
  const headers: string[] = [];
  while (rest[0]?.startsWith('-')) {
    const flag = rest.shift() ?? '';
    if (flag === '-q') session.quiet = true;
    else if (flag === '-h') headers.push(rest.shift() ?? '');
    else if (!Object.hasOwn(WITHOUT_EFFECT, flag))
      return fail(session, `CommandException: Incorrect option(s) specified: ${flag}`);
    else if (WITHOUT_EFFECT[flag] === true) rest.shift();
  }
  const name = rest.shift() ?? '';
  if (Object.hasOwn(REFUSED, name)) return fail(session, `CommandException: gsutil ${name}: ${REFUSED[name]}.`);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const meant = nearest(name, Object.keys(COMMANDS));
    return fail(
      session,
      `Invalid command "${name}".${meant === undefined ? ` This server's gsutil builder knows ${Object.keys(COMMANDS).join(', ')}.` : ` Did you mean this? ${meant}`}`,
    );
  }
  try {
    session.upload = readHeaders(headers);
    return await command(rest, session);
  } catch (error) {
    if (error instanceof CommandException) return fail(session, `CommandException: ${error.message}`);
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    return fail(session, messageFor(error));
  }
};

function messageFor(problem: Problem): string {
  const lines = problem.hint === undefined ? '' : `\n${problem.hint}`;
  if (problem.code === 'denied') return `AccessDeniedException: 403 ${problem.message}${lines}`;
  if (problem.code === 'not-found' && problem.message.startsWith('The specified bucket'))
    return `BucketNotFoundException: 404 ${problem.message}${lines}`;
  return `CommandException: ${problem.message}${lines}`;
}

function fail(session: GsutilSession, message: string): number {
  for (const line of message.split('\n')) session.err(line);
  return 1;
}
