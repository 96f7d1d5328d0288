import type { ContainerMount } from '../container.ts';

/** An entry of `mounts` in the OCI runtime configuration. */
export interface RuntimeMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

const SHM_BYTES = 64 << 20;

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
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${SHM_BYTES}`],
  },
];

export interface MountInput {
  mounts: readonly ContainerMount[];
  /** Host files for /etc/resolv.conf, /etc/hosts and /etc/hostname. */
  nameFiles: { resolvConf: string; hosts: string; hostname: string };
  shmBytes: number | undefined;
  /** The machine's own shared memory. */
  sharedIpc: boolean;
  /** What docker mounts read-only is writable. */
  insecure: boolean;
}

/**
 * A mount of the caller takes the place of ours with the same target, unless it wants to look like what it covers; a parent
 * comes before what lies in it.
 */
export function mountsOf(input: MountInput): RuntimeMount[] {
  const wanted = input.mounts.map(runtimeMount);
  const replacing = input.mounts.filter((mount) => mount.kind === 'bind' || mount.mode !== 'covered');
  const own = [
    ...SYSTEM_MOUNTS.map((mount) => systemMount(mount, input)),
    bind(input.nameFiles.resolvConf, '/etc/resolv.conf'),
    bind(input.nameFiles.hostname, '/etc/hostname'),
    bind(input.nameFiles.hosts, '/etc/hosts'),
  ].filter((mount) => !replacing.some(({ target }) => normal(target) === mount.destination));
  return [...own, ...wanted.sort((a, b) => depth(a.destination) - depth(b.destination))];
}

function systemMount(mount: RuntimeMount, { insecure, sharedIpc, shmBytes }: MountInput): RuntimeMount {
  const { destination } = mount;
  if (sharedIpc && destination === '/dev/shm') return bind(destination, destination); // the queues follow the namespace
  if (destination === '/dev/shm' && shmBytes !== undefined) {
    return {
      ...mount,
      options: [...mount.options.filter((option) => !option.startsWith('size=')), `size=${shmBytes}`],
    };
  }
  return insecure ? { ...mount, options: mount.options.map((option) => (option === 'ro' ? 'rw' : option)) } : mount;
}

function bind(source: string, destination: string): RuntimeMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate'] };
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
