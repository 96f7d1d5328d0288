import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Limits } from '../container.ts';
import { controllerRoot, type Hierarchy } from './cgroup.ts';
import type { RuntimeResources } from './spec.ts';

/** One scheduling period; a container with 1.5 cpus runs for 150 ms of every 100 ms on several processors. */
const CPU_PERIOD_US = 100_000;

/**
 * Limits as the runtime configuration names them. Memory includes swap where the kernel counts it (else a container of
 * 64 MiB would go on to fill the swap), and runc refuses a swap limit where it doesn't.
 */
export function resourcesFor(limits: Limits, hierarchies: Hierarchy[]): RuntimeResources {
  const resources: RuntimeResources = {};
  const { memoryBytes, cpus, cpuShares, cpuset } = limits;
  if (memoryBytes !== undefined) {
    const swap = limits.memorySwapBytes ?? memoryBytes;
    resources.memory = { limit: memoryBytes, ...(countsSwap(hierarchies) ? { swap } : {}) };
  }
  if (cpus !== undefined || cpuShares !== undefined || cpuset !== undefined) {
    resources.cpu = {
      ...(cpus === undefined ? {} : { period: CPU_PERIOD_US, quota: Math.max(1000, Math.round(cpus * CPU_PERIOD_US)) }),
      ...(cpuShares === undefined ? {} : { shares: cpuShares }),
      ...(cpuset === undefined ? {} : { cpus: cpuset }),
    };
  }
  if (limits.pids !== undefined) resources.pids = { limit: limits.pids };
  return resources;
}

function countsSwap(hierarchies: Hierarchy[]): boolean {
  const memory = controllerRoot(hierarchies, 'memory');
  if (memory === undefined) return false;
  if (memory.version === 1) return existsSync(join(memory.root, 'memory.memsw.limit_in_bytes'));
  // The root of v2 has no limits; any group below it shows whether the kernel offers them.
  return readdirSync(memory.root).some((name) => existsSync(join(memory.root, name, 'memory.swap.max')));
}
