import type { ContainerMount } from '../container.ts';
import { INSECURE_DEVICES, type RuntimeDevice } from './insecure.ts';
import { defaultSeccomp, type SeccompFilter } from './seccomp.ts';
import type { ContainerUser } from './user.ts';

/** Everything that makes one container differ from another; the rest of a runtime configuration is docker's default. */
export interface SpecInput {
  /** The mounted root file system. */
  rootfs: string;
  args: string[];
  env: string[];
  cwd: string;
  user: ContainerUser;
  hostname: string;
  mounts: ContainerMount[];
  /** Host files for /etc/resolv.conf, /etc/hosts and /etc/hostname. */
  nameFiles: { resolvConf: string; hosts: string; hostname: string };
  network: { kind: 'host' } | { kind: 'own' } | { kind: 'joined'; path: string };
  cgroup: { path: string; unified: boolean };
  resources: RuntimeResources;
  /** As in `process.arch`. */
  arch: string;
  /** Without the walls that keep a container from the machine, and with these capabilities. */
  insecure?: { capabilities: string[] };
}

export interface RuntimeResources {
  memory?: { limit: number; swap?: number };
  cpu?: { quota: number; period: number };
  pids?: { limit: number };
}

export interface RuntimeMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

/** The part of the OCI runtime configuration (runtime-spec 1.0.2, config.md) that we write. */
export interface RuntimeConfig {
  ociVersion: string;
  process: {
    terminal: boolean;
    user: { uid: number; gid: number; umask: number; additionalGids: number[] };
    args: string[];
    env: string[];
    cwd: string;
    capabilities: Record<'bounding' | 'effective' | 'permitted', string[]>;
    noNewPrivileges: boolean;
    oomScoreAdj: number;
  };
  root: { path: string; readonly: boolean };
  hostname: string;
  mounts: RuntimeMount[];
  linux: {
    namespaces: { type: string; path?: string }[];
    cgroupsPath: string;
    resources: RuntimeResources & { devices: { allow: boolean; access: string }[] };
    devices?: RuntimeDevice[];
    sysctl: Record<string, string>;
    seccomp?: SeccompFilter;
    maskedPaths: string[];
    readonlyPaths: string[];
  };
}

/** CapEff 00000000a80425fb: the same 14 in docker's classic builder, in BuildKit and in `docker run`. */
const CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
].map((name) => `CAP_${name}`);

const MASKED_PATHS = [
  ...['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats'].map(
    (name) => `/proc/${name}`,
  ),
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** What every container has mounted besides the three name files; also the list of mount points that an image must have. */
export const SYSTEM_MOUNTS: RuntimeMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'],
  },
];

/** As `docker run` without flags writes it (checked against its own file, for Docker 26), for runc's `ociVersion`. */
export function runtimeConfig(input: SpecInput): RuntimeConfig {
  const isRoot = input.user.uid === 0;
  const insecure = input.insecure !== undefined;
  const seccomp = defaultSeccomp(input.arch);
  const capabilities = input.insecure?.capabilities ?? CAPABILITIES;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: {
        uid: input.user.uid,
        gid: input.user.gid,
        umask: 0o022,
        additionalGids: input.user.additionalGids,
      },
      args: input.args,
      env: input.env,
      cwd: input.cwd,
      // Another user than root could only have them as ambient ones, which docker doesn't give either.
      capabilities: {
        bounding: capabilities,
        effective: isRoot ? capabilities : [],
        permitted: isRoot ? capabilities : [],
      },
      noNewPrivileges: false,
      oomScoreAdj: 0,
    },
    root: { path: input.rootfs, readonly: false },
    hostname: input.hostname,
    mounts: mountsOf(input),
    linux: {
      namespaces: namespacesOf(input),
      cgroupsPath: input.cgroup.path,
      // runc adds docker's list itself (null, zero, full, random, urandom, tty, ptmx, pts; mknod of any) to "nothing".
      resources: { ...input.resources, devices: [{ allow: insecure, access: 'rwm' }] },
      ...(insecure ? { devices: INSECURE_DEVICES } : {}),
      // Both belong to a network namespace; the host's own are not ours to set.
      sysctl:
        input.network.kind === 'host'
          ? {}
          : { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
      ...(seccomp.architectures.length === 0 || insecure ? {} : { seccomp }),
      maskedPaths: insecure ? [] : MASKED_PATHS,
      readonlyPaths: insecure ? [] : READONLY_PATHS,
    },
  };
}

function namespacesOf(input: SpecInput): { type: string; path?: string }[] {
  const namespaces: { type: string; path?: string }[] = ['mount', 'uts', 'pid', 'ipc'].map((type) => ({ type }));
  if (input.network.kind === 'own') namespaces.push({ type: 'network' });
  if (input.network.kind === 'joined') namespaces.push({ type: 'network', path: input.network.path });
  if (input.cgroup.unified) namespaces.push({ type: 'cgroup' });
  return namespaces;
}

/**
 * A mount of the caller takes the place of ours with the same target, unless it wants to look like what it covers; a parent
 * comes before what lies in it.
 */
function mountsOf(input: SpecInput): RuntimeMount[] {
  const wanted = input.mounts.map(runtimeMount);
  const replacing = input.mounts.filter((mount) => mount.kind === 'bind' || mount.mode !== 'covered');
  const bind = (source: string, destination: string): RuntimeMount => {
    return { destination, type: 'bind', source, options: ['rbind', 'rprivate'] };
  };
  const own = [
    ...(input.insecure !== undefined ? SYSTEM_MOUNTS.map(writable) : SYSTEM_MOUNTS),
    bind(input.nameFiles.resolvConf, '/etc/resolv.conf'),
    bind(input.nameFiles.hostname, '/etc/hostname'),
    bind(input.nameFiles.hosts, '/etc/hosts'),
  ].filter((mount) => !replacing.some(({ target }) => normal(target) === mount.destination));
  return [...own, ...wanted.sort((a, b) => depth(a.destination) - depth(b.destination))];
}

function writable(mount: RuntimeMount): RuntimeMount {
  return { ...mount, options: mount.options.map((option) => (option === 'ro' ? 'rw' : option)) };
}

function runtimeMount(mount: ContainerMount): RuntimeMount {
  if (mount.kind === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
    return {
      destination: normal(mount.target),
      type: 'tmpfs',
      source: 'tmpfs',
      // without a mode, runc gives it that of the folder below
      options: ['nosuid', 'nodev', ...(mount.mode === 'covered' ? [] : ['mode=1777']), ...size],
    };
  }
  return {
    destination: normal(mount.target),
    type: 'bind',
    source: mount.source,
    options: ['rbind', 'rprivate', ...(mount.readonly ? ['ro'] : []), ...(mount.inert === true ? INERT : [])],
  };
}

const INERT = ['nosuid', 'nodev', 'noexec'];

/** Without a slash at the end and doubled ones, so that equal targets are equal texts. */
export function normal(target: string): string {
  return `/${target.split('/').filter(Boolean).join('/')}`;
}

function depth(path: string): number {
  return path.split('/').length;
}
