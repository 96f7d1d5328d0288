import type { Config } from '../config.ts';
import type { ContainerRuntime } from '../containers/container.ts';
import { type CreatedEngine, createEngine } from '../engine/create-engine.ts';
import { hostPlatform } from '../images/platform.ts';
import { systemClock } from '../lib/clock.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { isOwnHost, ownName, repositoryKey } from '../stores/registry/name.ts';
import type { RepositoryPulls } from '../stores/upstream/repository-pulls.ts';
import { addressesOfBuilds, gitLimits } from './git-sandbox.ts';
import { remoteOver } from './pulls.ts';
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
  pulls: RepositoryPulls,
  whose: 'owner' | 'build',
): Promise<CreatedEngine> {
  const registries = new RegistrySettings(folder.config);
  const own = registries.ownNames(config.listen);
  return createEngine({
    content: stores.content,
    blobs: stores.blobs,
    names: stores.names,
    registry: stores.registry,
    cache: stores.cache,
    flights: stores.flights,
    runtime,
    remote: remoteOver(stores, registries, pulls, own, whose === 'build'),
    remoteAs: (credentials) => remoteOver(stores, registries, pulls, own, whose === 'build', credentials),
    // names come from whoever may submit; the person at the keyboard reaches everything
    fetch: whose === 'build' ? addressesOfBuilds(config) : undefined,
    git: gitLimits(config),
    own,
    pullsThrough: (host, repository) => pulls.pullsThrough(repositoryKey(ownName(host, repository, own))),
    snapshots: folder.snapshots,
    platform: hostPlatform(),
    clock: systemClock,
    // the owner has this machine anyway; a build has to ask for it all the same, so that a Dockerfile alone can't
    entitlements: [
      ...(whose === 'owner' || config.builds.allowInsecure ? ['security.insecure' as const] : []),
      ...(whose === 'owner' || config.builds.allowHostNetwork ? ['network.host' as const] : []),
    ],
    // a build has its own project, and reads those that everybody may; the person at the keyboard has all
    authorise: async (caller, role, { project }) =>
      caller.scope === OWNER_SCOPE ||
      project === caller.project ||
      (role === 'reader' && registries.current.sharedProjects.includes(project)),
    readsEverything: (caller) => caller.scope === OWNER_SCOPE,
    // what of ours is asked for as from another registry is linked only when its bytes came for it
    vouches: (host) => isOwnHost(host, own) || registries.current.vouching.includes(host),
  });
}

/** Names of the person at the keyboard. */
export const OWNER_SCOPE = 'owner';
