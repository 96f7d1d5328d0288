/**
 * Things that run: the RUN of a Dockerfile, a build's step, later the docker door's containers. All of them are runc over
 * an overlay, with docker's default capabilities, seccomp profile, masked paths and mounts.
 *
 * The life of a container: its folder below DATA/run/<id> is made -> overlay mounted -> network joined -> runc runs it in
 * a cgroup of its own -> exit -> everything is taken down in reverse order, on every path. What a crash leaves behind is
 * found by its name (the data folder's tag is in cgroup, mount path, namespace and bridge alias) and removed by `sweep`.
 */
export interface ContainerSpec {
  /** `[a-z0-9-]{1,40}`, unique among the running. */
  id: string;
  rootfs: Rootfs;
  /** The whole argument list; args[0] is looked up in the container's PATH. */
  args: string[];
  /** `K=V`; PATH and HOME are added when absent (HOME from the container's passwd). */
  env: string[];
  /** As `env`, in its place where the names are the same; never written to a disk. */
  secretEnv?: readonly string[];
  /** Absolute; created (root, 0755) when it doesn't exist. */
  cwd: string;
  /** As in USER: `name`, `uid`, `name:group`, `uid:gid`; empty is root. Looked up in the container's own passwd and group. */
  user: string;
  hostname: string;
  mounts: ContainerMount[];
  network: Network;
  /** `name:ip` lines for /etc/hosts. */
  extraHosts?: string[];
  limits?: Limits;
  /** Only on a bridge. */
  ports?: readonly PublishedPort[];
  /** The root file system can't be written to; mounts can. */
  readonlyRootfs?: boolean;
  /** Beyond and below docker's 14 (`CAP_` in front or not; `ALL`). */
  capabilities?: { add: readonly string[]; drop: readonly string[] };
  /** Of the machine, as `--device`. */
  devices?: readonly { source: string; target: string; access: string }[];
  /** `setrlimit(2)` by docker's short names, e.g. `nofile`. */
  ulimits?: readonly { name: string; soft: number; hard: number }[];
  /** Kernel settings of the container's own namespaces. */
  sysctls?: Readonly<Record<string, string>>;
  /** Namespaces of the machine in place of its own. */
  shared?: readonly ('pid' | 'ipc' | 'uts')[];
  /** Bytes of /dev/shm; 64 MiB when absent. */
  shmBytes?: number;
  /** Names and numbers, besides those of the container's group file. */
  extraGroups?: readonly string[];
  /** Programs get no rights by set-user-id files. */
  noNewPrivileges?: boolean;
  /** No seccomp filter. */
  unconfined?: boolean;
  /** A small process 1 that reaps and passes signals on. */
  init?: boolean;
  /** Nameservers, search domains and options in place of the machine's. */
  dns?: { servers: readonly string[]; search: readonly string[]; options: readonly string[] };
  /** All capabilities, no seccomp filter, nothing of /proc and /sys hidden, every device: only where the owner allows it. */
  security?: 'insecure';
}

/** A port of this machine that leads to one of a container, as long as that runs. */
export interface PublishedPort {
  protocol: 'tcp' | 'udp';
  containerPort: number;
  hostAddress: string;
  /** 0: one that is free. */
  hostPort: number;
}

/** Read-only lower folders, topmost first, and the folder that takes the changes (empty or of an earlier run). */
export interface Rootfs {
  lowers: string[];
  /**
   * Folder for changes, on the data folder's file system; a sibling `<upper>.work` is made and removed. An empty one takes
   * mode, owner and time of the topmost lower's root. Afterwards it holds what the container changed and nothing of ours:
   * mount points that the image lacks are never made in it. Nothing in it was synced: who keeps it does that.
   */
  upper: string;
}

export type ContainerMount =
  /** `inert`: nothing on it is run, opened as a device or given another user's rights. */
  | { kind: 'bind'; source: string; target: string; readonly: boolean; inert?: boolean }
  /** Mode 1777, or `covered`: that of the folder it is mounted on, where there is one. */
  | { kind: 'tmpfs'; target: string; sizeBytes?: number; mode?: 'covered' };

/** Absent means no limit. */
export interface Limits {
  memoryBytes?: number;
  /** Memory and swap together; -1 is any. */
  memorySwapBytes?: number;
  cpus?: number;
  /** Relative weight, 1024 by default. */
  cpuShares?: number;
  /** As `0-3,5`. */
  cpuset?: string;
  pids?: number;
}

export interface ContainerIo {
  onStdout: (chunk: Buffer) => void;
  onStderr: (chunk: Buffer) => void;
  /** Kills the whole process tree; the promise then rejects with Problem `cancelled`. */
  signal: AbortSignal;
}

/** What a started process reads from and writes to. With a terminal everything comes out of `onStdout`. */
export interface ProcessIo {
  /** Until a promise settles, that stream isn't read any more, so that the process waits when its pipe is full. */
  onStdout: (chunk: Buffer) => Promise<void> | undefined;
  onStderr: (chunk: Buffer) => Promise<void> | undefined;
  /** Keeps the standard input open for `write`; without it the process finds /dev/null. */
  stdin: boolean;
  /** A pseudo terminal, of this size at the start. */
  terminal?: TerminalSize | undefined;
}

export interface TerminalSize {
  rows: number;
  columns: number;
}

/** A process in a container: its first one, or one that came by `exec`. */
export interface StartedProcess {
  /** Settles when it has ended and all that it wrote was handed over. @throws Problem as `ContainerRuntime.run` */
  readonly exited: Promise<ContainerExit>;
  /** Resolves when more is welcome. What comes after the end of the process is dropped. */
  write(chunk: Buffer): Promise<void>;
  /** The end of its standard input; on a terminal, where there is none, it does nothing. */
  endInput(): void;
  /** Nothing without a terminal. */
  resize(size: TerminalSize): void;
  /** @param signal a name (`SIGTERM`, `TERM`) or a number; to this process alone. Nothing when it has ended */
  signal(signal: string): Promise<void>;
}

export interface ExecSpec {
  args: string[];
  /** Beside those of the container. */
  env: string[];
  cwd: string;
  user: string;
  security?: 'insecure';
}

export interface StartedContainer extends StartedProcess {
  /** Its process 1, in the numbers of this machine. */
  readonly pid: number;
  /** On a bridge. */
  readonly address?: string | undefined;
  readonly mac?: string | undefined;
  /** Those that were asked for, with the numbers that were free. */
  readonly ports: readonly PublishedPort[];
  /** The root file system with all mounts in front of it, for `cp` while it runs: only ever opened by kernel/rooted. */
  readonly rootfs: string;
  exec(spec: ExecSpec, io: ProcessIo): Promise<StartedProcess>;
  /** In the numbers of this machine. */
  processes(): Promise<number[]>;
  usage(): Promise<ContainerUsage>;
  pause(): Promise<void>;
  unpause(): Promise<void>;
  update(limits: Limits): Promise<void>;
}

/** From the cgroup and the network namespace; a counter is absent where the machine has no such controller. */
export interface ContainerUsage {
  cpuNanoseconds?: number;
  memoryBytes?: number;
  memoryLimitBytes?: number;
  /** Of the page cache, which `docker stats` takes off. */
  inactiveFileBytes?: number;
  pids?: number;
  receivedBytes?: number;
  sentBytes?: number;
  readBytes?: number;
  writtenBytes?: number;
}

export interface ContainerExit {
  /** 128 + signal when a signal ended it. */
  code: number;
  outOfMemory: boolean;
}

/** `none`: loopback only; `host`: only where the owner allows it; `bridge`: one made by `createNetwork`, or a way
 * to it that is only taken when the first container needs it (a cached build needs none). */
export type Network =
  | { kind: 'none' }
  | { kind: 'host' }
  /** That of another container, by its id. */
  | { kind: 'container'; id: string }
  /** By `names` others on the bridge find it, as long as it runs. */
  | { kind: 'bridge'; bridge: BridgeNetwork | (() => Promise<BridgeNetwork>); names?: readonly string[] };

/**
 * A bridge with NAT of one build or person; containers on it reach the internet and each other, never the host or other
 * bridges. An `internal` one has no way out.
 */
export interface BridgeNetwork {
  name: string;
  /** For example `10.89.3.0/24`. */
  subnet: string;
  internal?: boolean;
  resolver?: BridgeResolver;
  services?: BridgeServices;
  close(): Promise<void>;
}

/** What we ourselves answer on a bridge; everything else of this machine is out of reach from it. */
export interface BridgeServices {
  /** Our address there: what listens on it is reached by nobody until it is offered. */
  readonly gateway: string;
  /** Once. Containers that join afterwards find the names; connections come from addresses of the subnet alone. */
  offer(services: readonly BridgeService[]): Promise<void>;
}

export interface BridgeService {
  /** Where containers connect to; need not be an address of this machine. */
  address: string;
  port: number;
  /** Where we listen, on the gateway. */
  localPort: number;
  /** Names of `address` on the bridge; `*-docker.pkg.dev` means all that end so. */
  names: readonly string[];
}

export interface NetworkOptions {
  /** Without a way out: containers on it reach each other alone. */
  internal?: boolean;
}

/** Names on a bridge. */
export interface BridgeResolver {
  /** Where its containers ask; absent: where this machine asks. Those that joined before the first name still ask there. */
  readonly nameserver: string | undefined;
  /** @returns what makes the names forgotten */
  register(names: readonly string[], address: string): Promise<() => void>;
}

export interface ContainerRuntime {
  /**
   * @throws Problem `invalid` (unknown user, program not found in the image: message as runc gives it), `cancelled`,
   * `unsupported` (no runc on this machine)
   */
  run(spec: ContainerSpec, io: ContainerIo): Promise<ContainerExit>;
  /**
   * From now on all containers of this runtime have these limits together, until what it returns is called. One build at a
   * time; made with the first container.
   * @param owner a build id
   */
  confine?(owner: string, limits: Limits): () => Promise<void>;
  /** A bridge for one owner (a build id). */
  createNetwork(owner: string, options?: NetworkOptions): Promise<BridgeNetwork>;
  /** Takes down what dead processes of this data folder left: containers, mounts, namespaces, bridges, rules, folders. */
  sweep(): Promise<SweepReport>;
  /** What this machine lacks, in sentences with the remedy; empty when containers can run. */
  probe(): Promise<string[]>;
}

/** For containers that outlive the call that made them. */
export interface ContainerStarter {
  /**
   * Starts a container and comes back when its process 1 runs. It ends with this process at the latest; everything of it but
   * the upper folder is taken down before `exited` settles.
   * @param onEnd kills it as `io.signal` of `run` does
   * @throws Problem as `run`
   */
  start(spec: ContainerSpec, io: ProcessIo, onEnd: AbortSignal): Promise<StartedContainer>;
}

export interface SweepReport {
  containers: number;
  mounts: number;
  networks: number;
  folders: number;
}
