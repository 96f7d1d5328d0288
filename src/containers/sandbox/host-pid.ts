import { readFile } from 'node:fs/promises';
import { PidFd } from '../../kernel/pidfd.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { type Hierarchy, processesIn } from './cgroup.ts';

export interface HostProcess {
  /** In the numbers of this machine. */
  pid: number;
  fd: PidFd;
}

/**
 * The process of a container that has this number in its life line's process namespace; undefined when it has ended. The
 * descriptor is taken before the number is looked at: so it can't be of one that came afterwards with the same number.
 */
export async function findProcess(
  hierarchies: Hierarchy[],
  group: string,
  number: number,
  hasOwnNamespace: boolean,
): Promise<HostProcess | undefined> {
  const candidates = hasOwnNamespace ? await processesIn(hierarchies, group) : [number];
  for (const pid of candidates) {
    const fd = PidFd.of(pid);
    if (fd === undefined) continue;
    const numbers = await numbersOf(pid);
    if (numbers !== undefined && (!hasOwnNamespace || numbers[1] === number)) return { pid, fd };
    fd.close();
  }
  return undefined;
}

/** Of a process, in the namespaces from ours to its own (proc_pid_status(5), NSpid). */
async function numbersOf(pid: number): Promise<number[] | undefined> {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
    return line?.split(/\s+/).map(Number);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
