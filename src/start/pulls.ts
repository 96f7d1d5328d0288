import type { DataFolder } from '../lib/data-folder.ts';
import { RepositoryPulls } from '../stores/upstream/repository-pulls.ts';
import { RegistrySettings } from './registries.ts';
import type { Stores } from './stores.ts';

/** What can be pulled of a data folder's repositories, in any process of the machine. */
export function pullsOver(stores: Stores, folder: DataFolder): RepositoryPulls {
  const registries = new RegistrySettings(folder.config);
  return new RepositoryPulls({
    registry: stores.registry,
    content: stores.content,
    repositories: stores.repositories,
    rows: stores.upstream,
    // guarded: of what isn't on the internet, only what slipway.yaml or the maker of a repository named as the owner
    hosts: registries.hosts(true),
    sharedProjects: () => registries.current.sharedProjects,
    locks: stores.flights,
  });
}
