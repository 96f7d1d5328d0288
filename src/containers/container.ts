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
  limits?: { memoryBytes?: number; cpus?: number; pids?: number };
  /** All capabilities, no seccomp filter, nothing of /proc and /sys hidden, every device: only where the owner allows it. */
  security?: 'insecure';
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

export interface ContainerIo {
  onStdout: (chunk: Buffer) => void;
  onStderr: (chunk: Buffer) => void;
  /** Kills the whole process tree; the promise then rejects with Problem `cancelled`. */
  signal: AbortSignal;
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
  | { kind: 'bridge'; bridge: BridgeNetwork | (() => Promise<BridgeNetwork>) };

/** A bridge with NAT of one build; containers on it reach the internet and each other, never the host or other builds. */
export interface BridgeNetwork {
  name: string;
  /** For example `10.89.3.0/24`. */
  subnet: string;
  close(): Promise<void>;
}

export interface ContainerRuntime {
  /**
   * @throws Problem `invalid` (unknown user, program not found in the image: message as runc gives it), `cancelled`,
   * `unsupported` (no runc on this machine)
   */
  run(spec: ContainerSpec, io: ContainerIo): Promise<ContainerExit>;
  /** A bridge for one owner (a build id). */
  createNetwork(owner: string): Promise<BridgeNetwork>;
  /** Takes down what dead processes of this data folder left: containers, mounts, namespaces, bridges, rules, folders. */
  sweep(): Promise<SweepReport>;
  /** What this machine lacks, in sentences with the remedy; empty when containers can run. */
  probe(): Promise<string[]>;
}

export interface SweepReport {
  containers: number;
  mounts: number;
  networks: number;
  folders: number;
}
