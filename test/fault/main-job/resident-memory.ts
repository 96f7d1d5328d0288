import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { TestServer } from '../../wire/server.ts';

/** The most that a process of the server ever had resident, by its program and number; processes that have ended included. */
export interface ResidentMemory {
  peaks(): { process: string; megabytes: number }[];
  stop(): void;
}

/** The kernel keeps each process's peak (VmHWM), so that a look every now and then misses only what rose at its very end. */
const EVERY_MS = 50;

export function watchResidentMemory(server: TestServer): ResidentMemory {
  const peaks = new Map<string, number>();
  const look = async () => {
    for (const pid of await server.processes()) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const program = basename(words.find((word) => /\.[jt]s$|bin\/slipway$/.test(word)) ?? words[0] ?? '');
      const key = `${program} ${pid}`;
      if (program !== '' && kilobytes > 0) peaks.set(key, Math.max(peaks.get(key) ?? 0, kilobytes));
    }
  };
  const timer = setInterval(() => void look(), EVERY_MS);
  return {
    peaks: () => [...peaks].map(([process, kilobytes]) => ({ process, megabytes: Math.round(kilobytes / 1024) })),
    stop: () => clearInterval(timer),
  };
}
