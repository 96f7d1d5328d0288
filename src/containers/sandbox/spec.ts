import { INSECURE_DEVICES, type RuntimeDevice } from './insecure.ts';
import { type MountInput, mountsOf, type RuntimeMount } from './mount-config.ts';
import { type ProcessConfig, type ProcessInput, processConfig } from './process-config.ts';
import { type SeccompFilter, seccompFor } from './seccomp.ts';

/** Everything that makes one container differ from another; the rest of a runtime configuration is docker's default. */
export interface SpecInput {
  /** The mounted root file system. */
  rootfs: string;
  readonlyRootfs: boolean;
  process: ProcessInput;
  hostname: string;
  mounts: MountInput;
  network: { kind: 'host' } | { kind: 'own' } | { kind: 'joined'; path: string };
  /** Namespaces of the machine, in place of own ones. */
  shared: readonly ('pid' | 'ipc' | 'uts')[];
  cgroup: { path: string; unified: boolean };
  resources: RuntimeResources;
  devices: readonly { device: RuntimeDevice; access: string }[];
  sysctls: Readonly<Record<string, string>>;
  /** As in `process.arch`. */
  arch: string;
  /** No seccomp filter. */
  unconfined: boolean;
  /** Without the walls that keep a container from the machine. */
  insecure: boolean;
}

export interface RuntimeResources {
  memory?: { limit?: number; swap?: number };
  cpu?: { quota?: number; period?: number; shares?: number; cpus?: string };
  pids?: { limit: number };
}

interface DeviceRule {
  allow: boolean;
  type?: 'c' | 'b';
  major?: number;
  minor?: number;
  access: string;
}

/** The part of the OCI runtime configuration (runtime-spec 1.0.2, config.md) that we write. */
export interface RuntimeConfig {
  ociVersion: string;
  process: ProcessConfig;
  root: { path: string; readonly: boolean };
  hostname?: string;
  mounts: RuntimeMount[];
  linux: {
    namespaces: { type: string; path?: string }[];
    cgroupsPath: string;
    resources: RuntimeResources & { devices: DeviceRule[] };
    devices?: RuntimeDevice[];
    sysctl: Record<string, string>;
    seccomp?: SeccompFilter;
    maskedPaths: string[];
    readonlyPaths: string[];
  };
}

const MASKED_PATHS = [
  ...['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats'].map(
    (name) => `/proc/${name}`,
  ),
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** As `docker run` without flags writes it (checked against its own file, for Docker 26), for runc's `ociVersion`. */
export function runtimeConfig(input: SpecInput): RuntimeConfig {
  const { insecure } = input;
  const seccomp = insecure || input.unconfined ? undefined : seccompFor(input.arch, input.process.capabilities);
  const devices = [...(insecure ? INSECURE_DEVICES : []), ...input.devices.map(({ device }) => device)];
  return {
    ociVersion: '1.0.2',
    process: processConfig(input.process),
    root: { path: input.rootfs, readonly: input.readonlyRootfs },
    ...(input.shared.includes('uts') ? {} : { hostname: input.hostname }),
    mounts: mountsOf(input.mounts),
    linux: {
      namespaces: namespacesOf(input),
      cgroupsPath: input.cgroup.path,
      // runc adds docker's list itself (null, zero, full, random, urandom, tty, ptmx, pts; mknod of any) to "nothing".
      resources: {
        ...input.resources,
        devices: [{ allow: insecure, access: 'rwm' }, ...input.devices.map(deviceRule)],
      },
      ...(devices.length === 0 ? {} : { devices }),
      sysctl: {
        ...(input.network.kind === 'own' || input.network.kind === 'joined' ? NETWORK_SYSCTLS : {}),
        ...input.sysctls,
      },
      ...(seccomp === undefined ? {} : { seccomp }),
      maskedPaths: insecure ? [] : MASKED_PATHS,
      readonlyPaths: insecure ? [] : READONLY_PATHS,
    },
  };
}

/** Both belong to a network namespace; the host's own are not ours to set. */
const NETWORK_SYSCTLS = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' };

function deviceRule({ device, access }: SpecInput['devices'][number]): DeviceRule {
  return { allow: true, type: device.type, major: device.major, minor: device.minor, access };
}

function namespacesOf(input: SpecInput): { type: string; path?: string }[] {
  const own = ['uts', 'pid', 'ipc'].filter((type) => !input.shared.some((shared) => shared === type));
  const namespaces: { type: string; path?: string }[] = ['mount', ...own].map((type) => ({ type }));
  if (input.network.kind === 'own') namespaces.push({ type: 'network' });
  if (input.network.kind === 'joined') namespaces.push({ type: 'network', path: input.network.path });
  if (input.cgroup.unified) namespaces.push({ type: 'cgroup' });
  return namespaces;
}
