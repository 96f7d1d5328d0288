import { readFileSync } from 'node:fs';

/**
 * Names a process for longer than its number does: `<pid>-<start time in clock ticks since boot>`. Files that carry the
 * mark of a dead process are leftovers, even when its number was given to another one.
 */
export async function processMark(pid: number = process.pid): Promise<string | undefined> {
  const start = startTimeOf(pid);
  return start === undefined ? undefined : `${pid}-${start}`;
}

/** Whether the process that this name begins with (`<mark>` or `<mark>-anything`) still runs. */
export async function markIsAlive(name: string): Promise<boolean> {
  const [pid, start] = name.split('-', 2);
  return startTimeOf(Number(pid)) === Number(start);
}

/**
 * Clock ticks since boot (field 22 of proc_pid_stat(5)); undefined when there is no such process or it is a zombie, which
 * holds nothing any more.
 */
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
