import { readFile } from 'node:fs/promises';

export interface MountEntry {
  id: number;
  /** Absolute path in this mount namespace. */
  target: string;
  type: string;
  source: string;
  /** Options of the file system, for example `rw,memory` of a cgroup hierarchy. */
  options: string[];
}

/** What this process sees mounted, in the order of /proc/self/mountinfo: a mount comes after the one that it lies on. */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountTable(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Fields as in proc_pid_mountinfo(5): optional ones end with ` - `; blanks in paths are octal escapes. */
export function parseMountTable(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ', 2);
    if (left === undefined || right === undefined) continue;
    const [id = '', , , , target = ''] = left.split(' ');
    const [type = '', source = '', options = ''] = right.split(' ');
    entries.push({
      id: Number(id),
      target: unescapePath(target),
      type,
      source: unescapePath(source),
      options: options.split(','),
    });
  }
  return entries;
}

function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
