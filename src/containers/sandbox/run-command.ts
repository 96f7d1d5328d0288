import { join } from 'node:path';
import type { Assembly } from './assembly.ts';
import { intoLifeLine, lifeLine } from './life-line.ts';
import type { RuncCommand } from './runc-process.ts';
import { terminalKeeper } from './terminal-keeper.ts';

/**
 * Runs the bundle to its end. The container and its cgroup are left behind (--keep) so that the cgroup's counters can be read;
 * both are removed by whoever made the folder.
 */
export function runCommand(box: Assembly): RuncCommand {
  const files = filesOf(box, 'runc');
  const options = ['--keep', '--pid-file', files.pidFile, '--bundle', box.bundle];
  const line = keptLine(box, files, box.process.terminal !== undefined, 'run', [...options, box.spec.id]);
  return { ...files, line: [...lifeLine(box.sharesProcesses), ...line], cwd: box.bundle };
}

/** @param pid of the life line @param name unique in this container @param file with the process's configuration */
export function execCommand(
  box: Assembly,
  exec: { pid: number; name: string; file: string; terminal: boolean },
): RuncCommand {
  const files = filesOf(box, exec.name);
  const options = ['--process', exec.file, '--pid-file', files.pidFile, box.spec.id];
  const line = keptLine(box, files, exec.terminal, 'exec', options);
  return { ...files, line: [...into(box, exec.pid), ...line], cwd: box.bundle };
}

/** @param pid of the life line @param file with the new limits */
export function updateCommand(box: Assembly, pid: number, file: string): readonly string[] {
  return [...into(box, pid), ...runc(box, join(box.folder, 'update.log')), 'update', '--resources', file, box.spec.id];
}

type Files = Pick<RuncCommand, 'log' | 'pidFile' | 'console'>;

function filesOf({ bundle, folder }: Assembly, name: string): Files {
  return {
    log: join(bundle, `${name}.log`),
    pidFile: join(folder, `${name}.pid`),
    console: join(bundle, `${name}.sock`),
  };
}

/** runc stays until the program ends; on a terminal, it goes, and the keeper stays. */
function keptLine(
  box: Assembly,
  files: Files,
  terminal: boolean,
  command: string,
  options: readonly string[],
): readonly string[] {
  const begin = runc(box, files.log);
  if (!terminal) return [...begin, command, ...options];
  // Named from the bundle, where the command runs: a path of more than 108 bytes is none for a socket.
  const detached = [command, '--detach', '--console-socket', files.console.slice(box.bundle.length + 1), ...options];
  return [...terminalKeeper(files.pidFile), ...begin, ...detached];
}

function into(box: Assembly, pid: number): readonly string[] {
  return intoLifeLine(box.sharesProcesses, pid, box.bundle);
}

function runc({ bundle }: Assembly, log: string): readonly string[] {
  return ['runc', '--root', join(bundle, 'state'), '--log', log, '--log-format', 'json'];
}
