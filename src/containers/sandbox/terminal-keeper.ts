import { koffiPath } from '../../kernel/libc.ts';

/**
 * Runs a command that leaves a program running on a terminal (`runc run --detach`), and waits for that program to give its
 * exit code as its own. For pipes runc does this itself; for a terminal it would have to stay between, and it takes the
 * translation of line ends off the container's terminal (and not always before the program has looked), so that full-screen
 * programs draw stairs. The kernel gives orphans to process 1 of their namespace or to whoever asked for them.
 *
 * A program of Node, for want of one that every machine has: it costs 45 ms and as many MB for each open terminal.
 */
const PROGRAM = `
  process.title = 'slipway: keeper of a terminal';
  const [koffi, pidFile, command, ...args] = process.argv.slice(1);
  const libc = require(koffi).load(null);
  const PR_SET_CHILD_SUBREAPER = 36;
  libc.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong'])(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const made = require('node:child_process').spawnSync(command, args, { stdio: 'ignore' });
  if (made.status !== 0) process.exit(made.status ?? 255);
  const pid = Number(require('node:fs').readFileSync(pidFile, 'utf8'));
  const waitpid = libc.func('waitpid', 'int', ['int', 'void *', 'int']);
  const status = Buffer.alloc(4);
  for (let ended = 0; ended !== pid; ) {
    ended = waitpid(-1, status, 0);
    if (ended === -1) process.exit(255);
  }
  const bits = status.readUInt32LE();
  process.exit((bits & 0x7f) === 0 ? (bits >> 8) & 0xff : 128 + (bits & 0x7f));`;

/** What stands before the command; it needs no environment but PATH. */
export function terminalKeeper(pidFile: string): readonly string[] {
  return [process.execPath, '--v8-pool-size=0', '-e', PROGRAM, koffiPath(), pidFile];
}
