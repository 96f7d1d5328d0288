import { readFileSync } from 'node:fs';

/**
 * Which process something belongs to, as a word that fits into file names and interface aliases: `<boot>.<pid>.<start>`.
 * The start time tells a process from a later one with the same pid, the boot from one before a restart of the machine.
 */
export type Owner = string;

let own: Owner | undefined;

export function currentOwner(): Owner {
  own ??= `${bootId()}.${process.pid}.${startTimeOf(process.pid) ?? 0}`;
  return own;
}

/** False for a process that ended, a zombie too: it holds nothing any more. */
export function ownerLives(owner: Owner): boolean {
  const [boot, pid, start] = owner.split('.');
  return boot === bootId() && startTimeOf(Number(pid)) === Number(start);
}

/** Clock ticks since boot (field 22 of proc_pid_stat(5)); undefined when there is no such process or it is a zombie. */
export function startTimeOf(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The program's name, in brackets, may hold blanks and brackets; what follows the last one is regular.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
}
