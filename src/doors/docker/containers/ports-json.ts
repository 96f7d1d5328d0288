import type { PublishedPort } from '../../../containers/container.ts';
import type { ContainerRecord } from '../../../containers/container-record.ts';

/** Ports as lists show them: those that lead in from this machine, and those that are only exposed. */
export function listedPorts(record: ContainerRecord): object[] {
  if (record.state.status !== 'running' && record.state.status !== 'paused') return [];
  const published = record.network.ports ?? [];
  const names = new Set(published.map(nameOf));
  return [
    ...published.map(({ protocol, containerPort, hostAddress, hostPort }) => ({
      IP: hostAddress || '0.0.0.0',
      PrivatePort: containerPort,
      PublicPort: hostPort,
      Type: protocol,
    })),
    ...record.request.exposedPorts
      .filter((name) => !names.has(name))
      .map((name) => ({ PrivatePort: Number.parseInt(name, 10), Type: name.split('/')[1] ?? 'tcp' })),
  ];
}

/** The same as `inspect` has it: by the container's port. */
export function inspectedPorts({ network, request }: ContainerRecord): object {
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const name of request.exposedPorts) ports[name] = null;
  for (const port of network.ports ?? []) {
    const at = { HostIp: port.hostAddress || '0.0.0.0', HostPort: String(port.hostPort) };
    ports[nameOf(port)] = [...(ports[nameOf(port)] ?? []), at];
  }
  return ports;
}

function nameOf({ containerPort, protocol }: PublishedPort): string {
  return `${containerPort}/${protocol}`;
}
