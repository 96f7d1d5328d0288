import { mkdir } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import type { ContainerRuntime } from '../../containers/container.ts';
import type { Containers } from '../../containers/containers.ts';
import type { Networks } from '../../containers/networks.ts';
import type { Volumes } from '../../containers/volumes.ts';
import type { DockerClient, DockerHouse } from '../../doors/docker/call.ts';
import { EventHub } from '../../doors/docker/events.ts';
import type { Engine } from '../../engine/engine.ts';
import type { RegistryHosts } from '../../images/remote/hosts.ts';
import { verifyLogin } from '../../images/remote/login.ts';
import { systemClock } from '../../lib/clock.ts';
import { isOwnHost, type OwnNames } from '../../stores/registry/name.ts';
import { openBuildNetwork } from '../build-network.ts';
import { VERSION } from '../version.ts';

/** What the houses of a process share. */
export interface HouseParts {
  engine: Engine;
  runtime: ContainerRuntime;
  config: Config;
  own: OwnNames;
  /** For logins. */
  remote: RegistryHosts;
}

/** Everything that one scope has, opened over its folder. */
export async function openHouse(
  client: DockerClient,
  folder: string,
  parts: HouseParts,
): Promise<{ house: DockerHouse; close(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { engine, runtime, config, own, remote } = parts;
  const containers = { list: () => [], close: async () => undefined } as unknown as Containers;
  const house: DockerHouse = {
    client,
    engine,
    containers,
    volumes: { list: () => [] } as unknown as Volumes,
    networks: { list: () => [] } as unknown as Networks,
    events: new EventHub(),
    folder,
    openBuildNetwork: (mode) => openBuildNetwork(runtime, mode, config),
    isOwnRegistry: (host) => isOwnHost(host, own),
    verifyLogin: (host, credentials, signal) => verifyLogin(remote, host, credentials, signal),
    clock: systemClock,
    version: VERSION,
  };
  return { house, close: () => containers.close() };
}
