import { readdir, readFile } from 'node:fs/promises';
import type { TestServer } from '../server.ts';

/** Kills the process of the server's that runs the build in whose container this command runs; false when none does yet. */
export async function killBuild(server: TestServer, command: string): Promise<boolean> {
  const children = new Set(await server.processes());
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
    if (line !== command) continue;
    for (let parent = pid; parent > 1; parent = await parentOf(parent))
      if (children.has(parent) && parent !== server.pid) {
        process.kill(parent, 'SIGKILL');
        return true;
      }
  }
  return false;
}

async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}
