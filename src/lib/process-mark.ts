import { readFile } from 'node:fs/promises';

/**
 * Names a process for longer than its number does: `<pid>-<start time in clock ticks since boot>` (proc(5), stat field
 * 22). Files that carry the mark of a dead process are leftovers, even when its number was given to another one.
 */
export async function processMark(pid: number = process.pid): Promise<string | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // no such process
  }
  // the second field is the program's name in parentheses, and may itself hold spaces and parentheses
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${pid}-${fields[19]}`;
}

/** Whether the process that this name begins with (`<mark>` or `<mark>-anything`) still runs. */
export async function markIsAlive(name: string): Promise<boolean> {
  const [pid, start] = name.split('-', 2);
  const now = await processMark(Number(pid));
  return now !== undefined && now === `${pid}-${start}`;
}
