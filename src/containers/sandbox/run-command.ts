import { join } from 'node:path';
import type { Assembly } from './assembly.ts';
import { intoLifeLine, lifeLine } from './life-line.ts';
import type { RuncCommand } from './runc-process.ts';

/**
 * Runs the bundle in the foreground, to its end. The container and its cgroup are left behind (--keep) so that the cgroup's
 * counters can be read; both are removed by whoever made the folder.
 */
export function runCommand(box: Assembly): RuncCommand {
  const [log, pidFile] = [join(box.bundle, 'runc.log'), join(box.folder, 'pid')];
  const run = ['run', '--keep', '--pid-file', pidFile, '--bundle', box.bundle, box.spec.id];
  return { line: [...lifeLine(box.sharesProcesses), ...runc(box, log), ...run], log, pidFile };
}

/** @param pid of the life line @param name unique in this container @param file with the process's configuration */
export function execCommand(box: Assembly, pid: number, name: string, file: string): RuncCommand {
  const [log, pidFile] = [join(box.folder, `${name}.log`), join(box.folder, `${name}.pid`)];
  const exec = ['exec', '--process', file, '--pid-file', pidFile, box.spec.id];
  return { line: [...intoLifeLine(box.sharesProcesses, pid), ...runc(box, log), ...exec], log, pidFile };
}

/** @param pid of the life line @param file with the new limits */
export function updateCommand(box: Assembly, pid: number, file: string): readonly string[] {
  const log = join(box.folder, 'update.log');
  return [...intoLifeLine(box.sharesProcesses, pid), ...runc(box, log), 'update', '--resources', file, box.spec.id];
}

function runc({ bundle }: Assembly, log: string): readonly string[] {
  return ['runc', '--root', join(bundle, 'state'), '--log', log, '--log-format', 'json'];
}
