import type { Config } from '../config.ts';
import type { ContainerRuntime } from '../containers/container.ts';
import { type CreatedEngine, createEngine } from '../engine/create-engine.ts';
import { hostPlatform } from '../images/platform.ts';
import { isPublicAddress } from '../images/remote/address-guard.ts';
import { createRegistryClient } from '../images/remote/client.ts';
import { systemClock } from '../lib/clock.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { RegistrySettings } from './registries.ts';
import type { Stores } from './stores.ts';

/**
 * An engine over the stores of a data folder, wherever it runs.
 * @param whose `build`: names come from whoever may submit, so this machine's own network is out of reach
 */
export function engineOver(
  stores: Stores,
  runtime: ContainerRuntime,
  folder: DataFolder,
  config: Config,
  whose: 'owner' | 'build',
): Promise<CreatedEngine> {
  const registries = new RegistrySettings(folder.config);
  return createEngine({
    content: stores.content,
    blobs: stores.blobs,
    names: stores.names,
    registry: stores.registry,
    cache: stores.cache,
    flights: stores.flights,
    runtime,
    remote: createRegistryClient(registries.hosts(whose === 'build')),
    // names come from whoever may submit; the person at the keyboard reaches everything
    fetch:
      whose === 'build'
        ? { allowAddress: isPublicAddress, isNamed: (host) => config.fetch.allowHosts.includes(host) }
        : undefined,
    own: registries.ownNames(config.listen),
    snapshots: folder.snapshots,
    platform: hostPlatform(),
    clock: systemClock,
    entitlements: [
      ...(config.builds.allowInsecure ? ['security.insecure' as const] : []),
      ...(config.builds.allowHostNetwork ? ['network.host' as const] : []),
    ],
    // a build has its own project, and reads those that everybody may; the person at the keyboard has all
    authorise: async (caller, role, { project }) =>
      caller.scope === OWNER_SCOPE ||
      project === caller.project ||
      (role === 'reader' && registries.current.sharedProjects.includes(project)),
    readsEverything: (caller) => caller.scope === OWNER_SCOPE,
    vouches: (host) => registries.current.vouching.includes(host),
  });
}

/** Names of the person at the keyboard. */
export const OWNER_SCOPE = 'owner';
