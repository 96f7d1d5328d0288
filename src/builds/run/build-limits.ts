import type { Build } from '../build.ts';
import type { PoolLimits } from '../pools/build-pools.ts';
import { machineOf } from '../pools/machine-type.ts';

const GIB = 2 ** 30;

/** What this machine has. */
export interface Machine {
  cpus: number;
  memoryBytes: number;
}

/** For builds that ask for nothing (`builds.*` of slipway.yaml); absent is without limit. */
export interface DefaultLimits {
  cpus?: number | undefined;
  memoryBytes?: number | undefined;
  diskBytes?: number | undefined;
  /** What steps may write to the log. */
  logBytes: number;
}

export interface BuildLimits {
  cpus?: number;
  memoryBytes?: number;
  /** Everything in the build's folder. */
  diskBytes?: number;
}

/**
 * What a build may use: as its pool says, else as its machine type, else as slipway.yaml. More than the machine has is no
 * limit at all, so that a build written for 32 processors runs on four.
 */
export function limitsOf(
  { options }: Pick<Build, 'options'>,
  pool: PoolLimits | undefined,
  defaults: DefaultLimits,
  machine: Machine,
): BuildLimits {
  const { machineType } = options;
  const named = machineType === undefined || machineType === 'UNSPECIFIED' ? undefined : machineOf(machineType);
  const cpus = pool?.vcpus ?? named?.vcpus ?? defaults.cpus;
  const memoryGb = pool?.memoryGb ?? named?.memoryGb;
  const memoryBytes = memoryGb === undefined ? defaults.memoryBytes : Math.round(memoryGb * GIB);
  const diskGb = pool?.diskSizeGb ?? (Number(options.diskSizeGb ?? 0) || undefined);
  const diskBytes = diskGb === undefined ? defaults.diskBytes : diskGb * GIB;
  return {
    ...(cpus === undefined || cpus >= machine.cpus ? {} : { cpus }),
    ...(memoryBytes === undefined || memoryBytes >= machine.memoryBytes ? {} : { memoryBytes }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}
