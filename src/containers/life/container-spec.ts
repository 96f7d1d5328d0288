import { Problem } from '../../lib/problem.ts';
import type { ContainerMount, ContainerSpec, Network, PublishedPort, Rootfs } from '../container.ts';
import type { ContainerMountRecord, ContainerRecord } from '../container-record.ts';
import type { ContainerRequest } from '../container-request.ts';

/** The runtime's ids are shorter than docker's. */
export function runtimeId(id: string): string {
  return id.slice(0, 32);
}

/** What the runtime is asked to start for a record. */
export function specOf(record: ContainerRecord, rootfs: Rootfs, network: Network): ContainerSpec {
  const { request, process } = record;
  const hostname = hostnameOf(record);
  const full = request.domainname ? `${hostname}.${request.domainname}` : hostname;
  return {
    id: runtimeId(record.id),
    rootfs,
    args: process.args,
    env: withHostname(process.env, full),
    cwd: process.cwd,
    user: process.user,
    hostname,
    mounts: record.mounts.map(mountOf),
    network,
    extraHosts: request.extraHosts,
    limits: request.limits,
    ...(request.ports.length > 0 && network.kind === 'bridge' ? { ports: request.ports.map(publishedPort) } : {}),
    readonlyRootfs: request.readonlyRootfs,
    capabilities: request.capabilities,
    devices: request.devices,
    ulimits: request.ulimits,
    sysctls: request.sysctls,
    shared: request.shared,
    ...(request.shmBytes === undefined ? {} : { shmBytes: request.shmBytes }),
    extraGroups: request.extraGroups,
    noNewPrivileges: request.noNewPrivileges,
    unconfined: request.unconfined,
    init: request.init,
    ...(hasDns(record) ? { dns: request.dns } : {}),
    ...(request.privileged ? { security: 'insecure' as const } : {}),
  };
}

function publishedPort({ containerPort, hostAddress, hostPort }: ContainerRequest['ports'][number]): PublishedPort {
  const [number, protocol = 'tcp'] = containerPort.split('/');
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw new Problem('unsupported', `Invalid proto: ${protocol}`);
  }
  return { protocol, containerPort: Number(number), hostAddress, hostPort };
}

/** As docker names a container that nobody named. */
export function hostnameOf(record: ContainerRecord): string {
  return record.request.hostname || record.id.slice(0, 12);
}

/** Every program finds its host's name in HOSTNAME, unless somebody chose another value. */
function withHostname(env: readonly string[], hostname: string): string[] {
  return env.some((pair) => pair.startsWith('HOSTNAME=')) ? [...env] : [`HOSTNAME=${hostname}`, ...env];
}

function hasDns({ request: { dns } }: ContainerRecord): boolean {
  return dns.servers.length + dns.search.length + dns.options.length > 0;
}

function mountOf({ kind, source, target, readonly, sizeBytes }: ContainerMountRecord): ContainerMount {
  if (kind === 'tmpfs') return { kind, target, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
  return { kind: 'bind', source, target, readonly };
}
