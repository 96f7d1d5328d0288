import { posix } from 'node:path';
import { nearest } from '../../lib/nearest.ts';
import { Problem } from '../../lib/problem.ts';
import type { NativeBuilder } from '../builders/native-builder.ts';
import { cat, cp, mv } from './cp.ts';
import { ls, rm, stat } from './list.ts';
import { rsync } from './rsync.ts';
import { CommandException, type GsutilCommand, type GsutilSession } from './session.ts';

const COMMANDS: Record<string, GsutilCommand> = { cp, mv, rsync, ls, cat, stat, rm };

/** `gsutil ...` between our buckets and the workspace, in gsutil's own words. */
export const gsutil: NativeBuilder = async (args, context) => {
  const rest = [...args];
  const session: GsutilSession = {
    ...context,
    quiet: false,
    out: (line) => context.output.stdout(`${line}\n`),
    err: (line) => context.output.stderr(`${line}\n`),
    absolute: (path) => posix.resolve(context.cwd, path),
  };
  while (rest[0]?.startsWith('-')) {
    const flag = rest.shift() ?? '';
    if (flag === '-q') session.quiet = true;
    // -m (parallel), -D, -DD, -u, -o and -h change how gsutil works and not what it does
    else if (/^-[ohui]$/.test(flag)) rest.shift();
    else if (!/^-(m|D|DD)$/.test(flag))
      return fail(session, `CommandException: Incorrect option(s) specified: ${flag}`);
  }
  const name = rest.shift() ?? '';
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const meant = nearest(name, Object.keys(COMMANDS));
    return fail(
      session,
      `Invalid command "${name}".${meant === undefined ? ` This server's gsutil builder knows ${Object.keys(COMMANDS).join(', ')}.` : ` Did you mean this? ${meant}`}`,
    );
  }
  try {
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
