import type { ContainerMountRecord, ContainerRecord } from '../../../containers/container-record.ts';
import type { DockerHouse } from '../call.ts';
import { humanDuration } from './human-duration.ts';

/** `Up 3 minutes`, `Exited (0) 2 hours ago`: the state as lists show it. */
export function statusOf({ state }: ContainerRecord, now: number): string {
  const { status, exitCode, startedAt, finishedAt } = state;
  switch (status) {
    case 'running':
      return `Up ${humanDuration(now - startedAt)}`;
    case 'paused':
      return `Up ${humanDuration(now - startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${exitCode}) ${humanDuration(now - finishedAt)} ago`;
    case 'exited':
      return `Exited (${exitCode}) ${humanDuration(now - finishedAt)} ago`;
    case 'created':
      return 'Created';
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
  }
}

export function mountsJson(mounts: readonly ContainerMountRecord[]): object[] {
  return mounts
    .filter(({ kind }) => kind !== 'tmpfs')
    .map(({ kind, name, source, target, readonly }) => ({
      Type: kind,
      ...(name === undefined ? {} : { Name: name }),
      Source: source,
      Destination: target,
      ...(kind === 'volume' ? { Driver: 'local' } : {}),
      Mode: kind === 'volume' ? 'z' : readonly ? 'ro' : '',
      RW: !readonly,
      Propagation: kind === 'bind' ? 'rprivate' : '',
    }));
}

/** The network that it is on, by its name; none of its own where it shares another container's. */
export function networksJson({ network, request }: ContainerRecord, house: DockerHouse): Record<string, object> {
  if (request.network.kind === 'container') return {};
  const known = house.networks.list().find(({ name }) => name === network.name);
  const aliases =
    request.network.kind === 'named' && request.network.aliases.length > 0 ? request.network.aliases : null;
  return { [network.name]: { ...endpointJson(network), Aliases: aliases, NetworkID: known?.id ?? '' } };
}

export function endpointJson({ address, gateway, mac }: ContainerRecord['network']): Record<string, unknown> {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    NetworkID: '',
    EndpointID: '',
    Gateway: gateway ?? '',
    IPAddress: address ?? '',
    IPPrefixLen: address === undefined ? 0 : 24,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: mac ?? '',
    DriverOpts: null,
  };
}

/** `host`, `none`, `container:ID` or the name of a network, as it was asked for. */
export function networkMode({ request }: ContainerRecord): string {
  const { network } = request;
  if (network.kind === 'container') return `container:${network.name}`;
  if (network.kind !== 'named') return network.kind;
  return network.name === 'bridge' ? 'default' : network.name;
}
