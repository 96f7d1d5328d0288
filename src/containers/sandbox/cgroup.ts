import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMountTable } from '../../kernel/mount-table.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/**
 * Control groups of all three kinds of machine: v1 (a hierarchy for each controller), v2 (one for all), and hybrid (v1's
 * controllers plus a v2 tree that only groups). A group is named by its path, which is the same in every hierarchy.
 */
export interface Hierarchy {
  version: 1 | 2;
  root: string;
  /** Of v1 those of its mount, of v2 those that the kernel offers there. */
  controllers: string[];
}

/** In the order of the mount table; empty when the machine has none mounted. */
export async function readHierarchies(): Promise<Hierarchy[]> {
  const found: Hierarchy[] = [];
  for (const entry of await readMountTable()) {
    if (entry.type === 'cgroup') {
      found.push({ version: 1, root: entry.target, controllers: entry.options.filter((option) => option !== 'rw') });
    } else if (entry.type === 'cgroup2') {
      found.push({
        version: 2,
        root: entry.target,
        controllers: await words(join(entry.target, 'cgroup.controllers')),
      });
    }
  }
  return found;
}

/** Whether the machine's controllers are those of v2: then a container gets a view of its own group only. */
export function isUnified(hierarchies: Hierarchy[]): boolean {
  return hierarchies.length > 0 && hierarchies.every((hierarchy) => hierarchy.version === 2);
}

export function controllerRoot(hierarchies: Hierarchy[], controller: string): Hierarchy | undefined {
  return hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller));
}

/** How many processes the kernel killed because the group was out of memory; 0 where nobody counts. */
export async function oomKills(hierarchies: Hierarchy[], group: string): Promise<number> {
  const memory = controllerRoot(hierarchies, 'memory');
  if (memory === undefined) return 0;
  const file = join(memory.root, group, memory.version === 2 ? 'memory.events' : 'memory.oom_control');
  return Number(/^oom_kill (\d+)$/m.exec(await textOf(file))?.[1] ?? 0);
}

const KILL_ROUNDS = 200;
const KILL_PAUSE_MS = 10;

/**
 * Kills everything in the group and below it, in whatever session or namespace, and waits until it is gone. v2 does it in
 * one stroke (cgroup.kill, Linux 5.14); on v1 what forks between two looks is caught by the next.
 */
export async function killGroup(hierarchies: Hierarchy[], group: string): Promise<void> {
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const alive = await Promise.all(hierarchies.map((hierarchy) => killIn(hierarchy, group)));
    if (!alive.includes(true)) return;
    await sleep(KILL_PAUSE_MS);
  }
}

/** Whether there was somebody to kill. */
async function killIn({ version, root }: Hierarchy, group: string): Promise<boolean> {
  const folder = join(root, group);
  const pids = await processesBelow(folder);
  if (pids.length === 0) return false;
  await tryWrite(join(folder, 'freezer.state'), 'THAWED'); // frozen ones of v1 die when they are thawed
  if (version === 2 && (await tryWrite(join(folder, 'cgroup.kill'), '1'))) return true;
  for (const pid of pids) killIfThere(pid);
  return true;
}

/**
 * Removes the empty group from every hierarchy, from all of them at once: v1 has ten, and every RUN waits for this. A
 * process that is just dying keeps a group busy for a moment.
 */
export async function removeGroup(hierarchies: Hierarchy[], group: string): Promise<void> {
  const removed = await Promise.allSettled(hierarchies.map(({ root }) => removeWhenFree(join(root, group))));
  for (const one of removed) if (one.status === 'rejected') throw one.reason;
}

async function removeWhenFree(folder: string): Promise<void> {
  for (let round = 0; ; round++) {
    try {
      await removeBelow(folder);
      return;
    } catch (error) {
      if (round >= KILL_ROUNDS || !hasErrorCode(error, 'EBUSY', 'ENOTEMPTY')) throw error;
      await sleep(KILL_PAUSE_MS);
    }
  }
}

/** Names of the groups directly below, over all hierarchies. */
export async function groupsBelow(hierarchies: Hierarchy[], group: string): Promise<string[]> {
  const names = new Set<string>();
  for (const { root } of hierarchies) {
    for (const name of await foldersIn(join(root, group))) names.add(name);
  }
  return [...names];
}

/** Whether groups can be made here at all: false in a container with a read-only /sys/fs/cgroup. */
export async function canMakeGroups(hierarchies: Hierarchy[], group: string): Promise<boolean> {
  try {
    for (const { root } of hierarchies) await mkdir(join(root, group), { recursive: true });
    await removeGroup(hierarchies, group);
    return true;
  } catch {
    return false;
  }
}

/** In the numbers of this machine; those of groups below it, too. */
export async function processesIn(hierarchies: Hierarchy[], group: string): Promise<number[]> {
  const hierarchy = controllerRoot(hierarchies, 'pids') ?? hierarchies[0];
  return hierarchy === undefined ? [] : await processesBelow(join(hierarchy.root, group));
}

async function processesBelow(folder: string): Promise<number[]> {
  const pids = (await words(join(folder, 'cgroup.procs'))).map(Number).filter((pid) => pid > 0);
  for (const name of await foldersIn(folder)) pids.push(...(await processesBelow(join(folder, name))));
  return pids;
}

async function removeBelow(folder: string): Promise<void> {
  for (const name of await foldersIn(folder)) await removeBelow(join(folder, name));
  try {
    await rmdir(folder);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function words(file: string): Promise<string[]> {
  return (await textOf(file)).split(/\s+/).filter(Boolean);
}

/** Empty when there is no such file. */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) return '';
    throw error;
  }
}

async function tryWrite(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'r+' });
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'EOPNOTSUPP')) return false;
    throw error;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}
