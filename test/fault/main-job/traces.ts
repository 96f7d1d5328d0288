import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../src/lib/run.ts';
import type { TestServer } from '../../wire/server.ts';

/** Folders of the data folder in which nothing stays when nothing runs. */
const EMPTY_WHEN_IDLE = ['run', 'builds', 'snapshots/a', 'snapshots/l', 'content/ingest', 'content/uploads'];

/**
 * All that builds of this server have on the machine at this moment, one line each: processes, mounts, networks, control
 * groups, files in work. The server's own processes are not counted.
 */
export async function traces(server: TestServer): Promise<string[]> {
  const tag = createHash('sha256').update(server.data).digest('hex').slice(0, 8);
  return [
    ...processTraces(server.data, tag, await server.processes()),
    ...textOf('/proc/self/mountinfo')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((target) => target.startsWith(`${server.data}/`))
      .map((target) => `mount ${target}`),
    ...(await networkTraces(tag)),
    ...groupTraces(tag),
    ...EMPTY_WHEN_IDLE.flatMap((folder) => namesIn(join(server.data, folder)).map((name) => `file ${folder}/${name}`)),
  ];
}

/** Those in a control group of ours, and those that name our data folder. */
function processTraces(data: string, tag: string, own: readonly number[]): string[] {
  return namesIn('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && !own.includes(Number(pid)))
    .map((pid) => ({
      pid,
      line: textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
      group: textOf(`/proc/${pid}/cgroup`),
    }))
    .filter(({ line, group }) => line !== '' && (line.includes(data) || group.includes(`slipway-${tag}-`)))
    .map(({ pid, line }) => `process ${pid} ${line}`);
}

/** Links by their alias, and rules of bridges that are no more. */
async function networkTraces(tag: string): Promise<string[]> {
  const links = namesIn('/sys/class/net').filter((name) =>
    textOf(`/sys/class/net/${name}/ifalias`).startsWith(`slipway ${tag} `),
  );
  const tables = (await run('nft', ['list', 'tables'])).stdout;
  const orphans = [...tables.matchAll(/slipway_(slw\d+)/g)].filter(
    ([, name = '']) => !namesIn('/sys/class/net').includes(name),
  );
  return [...links.map((name) => `link ${name}`), ...orphans.map(([table]) => `nft table ${table}`)];
}

function groupTraces(tag: string): string[] {
  const found = (folder: string, depth: number): string[] =>
    namesIn(folder).flatMap((name) => {
      if (name.startsWith(`slipway-${tag}-`)) return [`cgroup ${folder}/${name}`];
      return depth > 0 ? found(join(folder, name), depth - 1) : [];
    });
  return found('/sys/fs/cgroup', 1);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no such folder, no folder, or it went meanwhile
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it went meanwhile
  }
}
