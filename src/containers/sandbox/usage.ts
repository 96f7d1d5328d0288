import { join } from 'node:path';
import type { ContainerUsage } from '../container.ts';
import { controllerRoot, type Hierarchy, textOf } from './cgroup.ts';

/** v1 shows the largest number of pages in place of "no limit". */
const NO_LIMIT = 2 ** 60;

/** @param pid a process in the container's network namespace; 0: its counters are left out */
export async function usageOf(hierarchies: Hierarchy[], group: string, pid: number): Promise<ContainerUsage> {
  const texts = new GroupTexts(hierarchies, group);
  const [cpu, memory, pids, blocks, network] = await Promise.all([
    cpuOf(texts),
    memoryOf(texts),
    texts.read('pids', 'pids.current', 'pids.current'),
    blocksOf(texts),
    networkOf(pid),
  ]);
  return { ...cpu, ...memory, ...numbers({ pids: count(pids) }), ...blocks, ...network };
}

class GroupTexts {
  readonly #hierarchies: Hierarchy[];
  readonly #group: string;

  constructor(hierarchies: Hierarchy[], group: string) {
    this.#hierarchies = hierarchies;
    this.#group = group;
  }

  isOld(controller: string): boolean {
    return controllerRoot(this.#hierarchies, controller)?.version === 1;
  }

  async read(controller: string, old: string, unified: string): Promise<string> {
    const hierarchy = controllerRoot(this.#hierarchies, controller);
    if (hierarchy === undefined) return '';
    return await textOf(join(hierarchy.root, this.#group, hierarchy.version === 1 ? old : unified));
  }
}

async function cpuOf(texts: GroupTexts): Promise<ContainerUsage> {
  if (texts.isOld('cpuacct'))
    return numbers({ cpuNanoseconds: count(await texts.read('cpuacct', 'cpuacct.usage', '')) });
  const micros = field(await texts.read('cpu', '', 'cpu.stat'), 'usage_usec');
  return numbers({ cpuNanoseconds: micros === undefined ? undefined : micros * 1000 });
}

async function memoryOf(texts: GroupTexts): Promise<ContainerUsage> {
  const [used, limit, stat] = await Promise.all([
    texts.read('memory', 'memory.usage_in_bytes', 'memory.current'),
    texts.read('memory', 'memory.limit_in_bytes', 'memory.max'),
    texts.read('memory', 'memory.stat', 'memory.stat'),
  ]);
  const most = count(limit);
  return numbers({
    memoryBytes: count(used),
    memoryLimitBytes: most !== undefined && most < NO_LIMIT ? most : undefined,
    inactiveFileBytes: field(stat, texts.isOld('memory') ? 'total_inactive_file' : 'inactive_file'),
  });
}

async function blocksOf(texts: GroupTexts): Promise<ContainerUsage> {
  if (texts.isOld('blkio')) {
    const text = await texts.read('blkio', 'blkio.throttle.io_service_bytes_recursive', '');
    return numbers({
      readBytes: text === '' ? undefined : sum(text, /^\d+:\d+ Read (\d+)$/gm),
      writtenBytes: text === '' ? undefined : sum(text, /^\d+:\d+ Write (\d+)$/gm),
    });
  }
  const hierarchy = await texts.read('io', '', 'io.stat');
  return numbers({ readBytes: sum(hierarchy, /\brbytes=(\d+)/g), writtenBytes: sum(hierarchy, /\bwbytes=(\d+)/g) });
}

/** proc_pid_net(5): behind each interface's name 8 columns of what came, then 8 of what went. */
async function networkOf(pid: number): Promise<ContainerUsage> {
  const text = pid === 0 ? '' : await textOf(`/proc/${pid}/net/dev`);
  let [receivedBytes, sentBytes] = [0, 0];
  for (const [, name, columns = ''] of text.matchAll(/^\s*([^:\s]+):\s*(.*)$/gm)) {
    if (name === 'lo') continue;
    const values = columns.trim().split(/\s+/).map(Number);
    receivedBytes += values[0] ?? 0;
    sentBytes += values[8] ?? 0;
  }
  return text === '' ? {} : { receivedBytes, sentBytes };
}

function count(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

function field(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
}

/** Leaves away what nobody counts. */
function numbers(usage: { [K in keyof ContainerUsage]: number | undefined }): ContainerUsage {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined));
}
