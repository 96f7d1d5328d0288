import { createHash } from 'node:crypto';
import type { Config } from '../config.ts';
import type { ContainerRuntime } from '../containers/container.ts';
import { createRuntime } from '../containers/runtime.ts';
import type { DataFolder } from '../lib/data-folder.ts';

/** Containers of a data folder. Its tag is in every name outside of the folder, so that two servers never sweep each other's. */
export function runtimeOver(folder: DataFolder, config: Config): ContainerRuntime {
  return createRuntime({
    dataFolder: folder.root,
    tag: createHash('sha256').update(folder.root).digest('hex').slice(0, 8),
    runFolder: folder.run,
    allowHostNetwork: config.builds.allowHostNetwork,
    allowInsecure: config.builds.allowInsecure,
    maxProcesses: config.builds.maxProcesses,
    subnets: [config.builds.networkRange],
  });
}
