import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BridgeNetwork, ContainerRuntime, ContainerStarter } from '../../containers/container.ts';
import type { ContainerEvent } from '../../containers/container-event.ts';
import { LentFolders } from '../../containers/lent/lent-folders.ts';
import { KeptNetworks } from '../../containers/networks/kept-networks.ts';
import { openContainers } from '../../containers/open-containers.ts';
import { KeptVolumes } from '../../containers/volumes/kept-volumes.ts';
import type { DockerClient, DockerHouse } from '../../doors/docker/call.ts';
import { EventHub } from '../../doors/docker/events.ts';
import { checkBuildNetwork, mostContainers } from '../../doors/docker/policy.ts';
import type { CacheStore } from '../../engine/cache/cache.ts';
import type { Engine } from '../../engine/engine.ts';
import type { RegistryHosts } from '../../images/remote/hosts.ts';
import { verifyLogin } from '../../images/remote/login.ts';
import { systemClock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { isOwnHost, type OwnNames } from '../../stores/registry/name.ts';
import type { RegistryReader } from '../../stores/registry/registry.ts';
import { openBuildNetwork } from '../build-network.ts';
import { VERSION } from '../version.ts';
import { containerImages } from './container-images.ts';
import { searchRegistry } from './search-registry.ts';

/** What the houses of a process share. */
export interface HouseParts {
  engine: Engine;
  cache: CacheStore;
  runtime: ContainerRuntime & ContainerStarter;
  /** DATA/run. */
  runFolder: string;
  own: OwnNames;
  /** For logins. */
  remote: RegistryHosts;
  registry: RegistryReader;
  /** Projects that everybody reads. */
  sharedProjects(): readonly string[];
  /** Folders that containers may bind by another path than this machine's (`/workspace`). */
  lent?: ReadonlyMap<string, string>;
  /** Bridges of others that containers may join, by name. */
  sharedNetworks?: Readonly<Record<string, () => Promise<BridgeNetwork>>>;
}

export interface OpenHouse {
  house: DockerHouse;
  /** Ends what runs, as `Containers.close` does; records, files and logs stay, or go with `drop`. */
  close(options?: { drop?: boolean; seconds?: number }): Promise<void>;
}

/**
 * Everything that one scope has, opened over its folder.
 * @param folder on the data folder's file system, where the changes of containers have to be
 */
export async function openHouse(client: DockerClient, folder: string, parts: HouseParts): Promise<OpenHouse> {
  const { engine, runtime, runFolder, own, remote, cache, sharedNetworks: shared = {} } = parts;
  const events = new EventHub();
  const clock = systemClock;
  const lent = new LentFolders(parts.lent ?? new Map(), runFolder);
  const onEvent = (event: ContainerEvent) => {
    if (event.type === 'container' && event.action === 'destroy')
      lent.release(event.id).catch((error: unknown) => log.error({ error: messageOf(error) }, 'a lent folder'));
    events.tell({ ...event, at: clock.now() });
  };
  const work = join(folder, 'work');
  // what requests had on the disk when their process died
  await removeTree(work);
  await mkdir(work, { recursive: true, mode: 0o700 });
  const networks = await KeptNetworks.open({
    ...{ folder, runtime, scope: client.scope, shared, clock, onEvent },
    checkHost: () => checkBuildNetwork(client, 'host'),
  });
  const volumes = await KeptVolumes.open({ folder: join(folder, 'volumes'), clock, onEvent });
  const maxContainers = mostContainers(client);
  const containers = await openContainers({
    folder: join(folder, 'containers'),
    images: containerImages(engine, client),
    runtime,
    runFolder,
    volumes,
    networks,
    clock,
    onEvent,
    ...(maxContainers === undefined ? {} : { maxContainers }),
  });
  const house: DockerHouse = {
    client,
    engine,
    containers,
    volumes,
    networks,
    lent,
    events,
    folder: work,
    keptFolder: join(folder, 'kept'),
    cachedLayers: () => cache.layers(client.project),
    forgetBuilds: (unusedSince) => cache.forget(client.project, unusedSince),
    openBuildNetwork: async (mode) => {
      checkBuildNetwork(client, mode);
      return openBuildNetwork(runtime, mode);
    },
    searchRegistry: (asked) =>
      searchRegistry(asked, client, { registry: parts.registry, own, shared: parts.sharedProjects() }),
    isOwnRegistry: (host) => isOwnHost(host, own),
    verifyLogin: (host, credentials, signal) => verifyLogin(remote, host, credentials, signal),
    clock,
    version: VERSION,
  };
  return {
    house,
    async close(options) {
      await containers.close(options);
      await lent.close();
      await networks.close(options);
      if (options?.drop === true) await removeTree(folder);
    },
  };
}
