import { availableParallelism } from 'node:os';
import type { Limits } from '../../../containers/container.ts';
import { DockerError } from '../errors.ts';
import type { JsonObject } from '../read-json.ts';

/** docker's own least: below it, a container can't even be started. Bytes. */
const LEAST_MEMORY = 6 << 20;

/** What `run` and `update` may limit. 0 and absent are docker's "no limit". @throws DockerError 400 */
export function readLimits(host: JsonObject): Limits {
  const memoryBytes = positive(host, 'Memory');
  const swap = host.integer('MemorySwap') ?? 0;
  if (memoryBytes !== undefined && memoryBytes < LEAST_MEMORY)
    throw new DockerError(400, 'Minimum memory limit allowed is 6MB');
  if (swap > 0 && memoryBytes === undefined)
    throw new DockerError(400, 'You should always set the Memory limit when using Memoryswap limit, see usage');
  if (swap > 0 && memoryBytes !== undefined && swap < memoryBytes)
    throw new DockerError(400, 'Minimum memoryswap limit should be larger than memory limit, see usage');
  const cpus = readCpus(host);
  const cpuShares = positive(host, 'CpuShares');
  const cpuset = host.string('CpusetCpus') ?? '';
  const pids = positive(host, 'PidsLimit');
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(swap === 0 ? {} : { memorySwapBytes: swap }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(cpuShares === undefined ? {} : { cpuShares }),
    ...(cpuset === '' ? {} : { cpuset }),
    ...(pids === undefined ? {} : { pids }),
  };
}

function readCpus(host: JsonObject): number | undefined {
  const nano = positive(host, 'NanoCpus');
  const quota = positive(host, 'CpuQuota');
  if (nano === undefined) return quota === undefined ? undefined : quota / (positive(host, 'CpuPeriod') ?? 100_000);
  if (quota !== undefined)
    throw new DockerError(400, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  const available = availableParallelism();
  const cpus = nano / 1e9;
  if (cpus < 0.01 || cpus > available)
    throw new DockerError(
      400,
      `Range of CPUs is from 0.01 to ${available.toFixed(2)}, as there are only ${available} CPUs available`,
    );
  return cpus;
}

/** -1 and 0 stand for none. */
function positive(host: JsonObject, name: string): number | undefined {
  const value = host.integer(name) ?? 0;
  return value > 0 ? value : undefined;
}
