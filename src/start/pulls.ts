import { createRegistryClient, type RegistryClient } from '../images/remote/client.ts';
import type { RegistryHosts } from '../images/remote/hosts.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import { isOwnHost, type OwnNames, ownName, repositoryKey } from '../stores/registry/name.ts';
import { RepositoryPulls } from '../stores/upstream/repository-pulls.ts';
import { sightingClient } from '../stores/upstream/sighting-client.ts';
import { throughClient } from '../stores/upstream/through-client.ts';
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

/**
 * Other registries for an engine. Images of our own hosts that are asked for here lie in remote or virtual repositories;
 * those of registries under `registries.pullThrough` are pulled through a remote repository as well. What the others say
 * of their tags and quotas is noted.
 * @param guarded as for `RegistrySettings.hosts`
 * @param credentials of one caller, before those of slipway.yaml
 */
export function remoteOver(
  stores: Stores,
  registries: RegistrySettings,
  pulls: RepositoryPulls,
  own: OwnNames,
  guarded: boolean,
  credentials?: RegistryHosts['credentials'],
): RegistryClient {
  const { upstream, content } = stores;
  const hosts = registries.hosts(guarded);
  const configured = hosts.credentials;
  if (credentials !== undefined)
    hosts.credentials = async (host) => (await credentials(host)) ?? (await configured?.(host));
  // a quota that is noted is one of this server's own accounts
  else
    hosts.sawRateLimit = (host, limit) => {
      const username = registries.current.credentials[host]?.username ?? '';
      upstream
        .noteQuota({ ...limit, host, username })
        .catch((error: unknown) => log.error({ error: messageOf(error) }, `the quota of ${host} could not be noted`));
    };
  const client = createRegistryClient(hosts);
  return throughClient(sightingClient(client, upstream), pulls, content, async (host, repository) => {
    if (isOwnHost(host, own)) return repositoryKey(ownName(host, repository, own));
    const through = registries.current.pullThrough[host];
    return through === undefined ? undefined : `${through}/${repository}`;
  });
}
