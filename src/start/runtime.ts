import { createHash } from 'node:crypto';
import type { Config } from '../config.ts';
import type { ContainerRuntime, ContainerStarter } from '../containers/container.ts';
import { createRuntime } from '../containers/runtime.ts';
import type { DataFolder } from '../lib/data-folder.ts';

/**
 * Containers of a data folder. Its tag is in every name outside of the folder, so that two servers never sweep each other's.
 * @param whose the owner has this machine anyway: what they may ask for is asked before
 */
export function runtimeOver(
  folder: DataFolder,
  config: Config,
  whose: 'owner' | 'build' = 'build',
): ContainerRuntime & ContainerStarter {
  return createRuntime({
    dataFolder: folder.root,
    tag: createHash('sha256').update(folder.root).digest('hex').slice(0, 8),
    runFolder: folder.run,
    allowHostNetwork: whose === 'owner' || config.builds.allowHostNetwork,
    allowInsecure: whose === 'owner' || config.builds.allowInsecure,
    maxProcesses: config.builds.maxProcesses,
    subnets: [config.builds.networkRange],
  });
}
