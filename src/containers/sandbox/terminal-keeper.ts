import { existsSync } from 'node:fs';
import { koffiPath } from '../../kernel/libc.ts';

/**
 * Runs a command that leaves a program running on a terminal (`runc run --detach`), and waits for that program to give its
 * exit code as its own. For pipes runc does this itself; for a terminal it would have to stay between, and it takes the
 * translation of line ends off the container's terminal (and not always before the program has looked), so that full-screen
 * programs draw stairs. The kernel gives orphans to process 1 of their namespace or to whoever asked for them by prctl(2).
 *
 * Perl where there is one, as on every Debian and Ubuntu: 3 ms and 5 MB. Else Node: 80 ms of processor time at the start, and
 * 8 MB of its own.
 */
export function terminalKeeper(pidFile: string, perl: string | undefined = findPerl()): readonly string[] {
  const number = PRCTL[process.arch];
  if (perl !== undefined && number !== undefined) return [perl, '-e', IN_PERL, String(number), pidFile];
  return [process.execPath, '--v8-pool-size=0', '-e', IN_NODE, koffiPath(), pidFile];
}

export function findPerl(): string | undefined {
  return ['/usr/bin/perl', '/bin/perl', '/usr/local/bin/perl'].find((path) => existsSync(path));
}

/** System call numbers; 36 below is PR_SET_CHILD_SUBREAPER. */
const PRCTL: Record<string, number> = { x64: 157, arm64: 167 };

const IN_PERL = `
  $0 = 'slipway: keeper of a terminal';
  my ($prctl, $file, @command) = @ARGV;
  syscall($prctl + 0, 36, 1, 0, 0, 0);
  my $made = system { $command[0] } @command;
  exit(($made >> 8) & 255 || 255) if $made != 0;
  open(my $in, '<', $file) or exit 255;
  my $pid = <$in> + 0;
  while ((my $ended = waitpid(-1, 0)) != $pid) { exit 255 if $ended == -1 }
  exit(($? & 127) == 0 ? $? >> 8 : 128 + ($? & 127));`;

const IN_NODE = `
  process.title = 'slipway: keeper of a terminal';
  const [koffi, file, command, ...args] = process.argv.slice(1);
  const libc = require(koffi).load(null);
  libc.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong'])(36, 1, 0, 0, 0);
  const made = require('node:child_process').spawnSync(command, args, { stdio: 'ignore' });
  if (made.status !== 0) process.exit(made.status || 255);
  const pid = Number(require('node:fs').readFileSync(file, 'utf8'));
  const waitpid = libc.func('waitpid', 'int', ['int', 'void *', 'int']);
  const status = Buffer.alloc(4);
  for (let ended = 0; ended !== pid; ) {
    ended = waitpid(-1, status, 0);
    if (ended === -1) process.exit(255);
  }
  const bits = status.readUInt32LE();
  process.exit((bits & 0x7f) === 0 ? (bits >> 8) & 0xff : 128 + (bits & 0x7f));`;
