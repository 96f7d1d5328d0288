import type { Duplex } from 'node:stream';
import type { Digest } from '../images/digest.ts';
import type { ContainerUsage, Limits, Network, TerminalSize } from './container.ts';

/**
 * Containers that outlive the request that made them, as `docker run -d` has them: with a name, a log and files that stay
 * until somebody removes them. One instance holds those of one scope; no scope sees another's.
 *
 * A container is a folder: `container.json` (written durably before anything is answered), `upper/` with its changes,
 * `log/`. It ends with the process that started it; when the folder is opened again, what was running then is `exited` with
 * 137, and those that were to be removed at their end are. Ids are 64 hex digits; whoever names one may use its name, the id
 * or a beginning of the id that only one has.
 */
export interface Containers {
  /** @throws Problem `conflict` (docker's text about the name), `not-found` (image), `invalid` */
  create(request: ContainerRequest): Promise<ContainerRecord>;
  /** @throws Problem `not-found`: `No such container: NAME` */
  get(name: string): ContainerRecord;
  list(): ContainerRecord[];
  /** No error when it runs. @throws Problem `invalid` with exitCode 126 or 127 when its program can't be run */
  start(name: string): Promise<{ alreadyRunning: boolean }>;
  /** SIGTERM (or the image's stop signal), and after `seconds` SIGKILL; -1 waits for ever. */
  stop(name: string, seconds?: number): Promise<{ alreadyStopped: boolean }>;
  restart(name: string, seconds?: number): Promise<void>;
  /** @throws Problem `conflict` when it doesn't run */
  kill(name: string, signal?: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  rename(name: string, to: string): Promise<void>;
  update(name: string, limits: Limits): Promise<void>;
  resize(name: string, size: TerminalSize): void;
  /** @throws Problem `conflict` when it runs and `force` is not set */
  remove(name: string, options?: { force?: boolean; volumes?: boolean }): Promise<void>;
  /**
   * When `condition` comes true: `not-running` may be now, `next-exit` begins to look now, `removed` when its folder has gone.
   * The promise is registered before this returns, so that a start that follows can't be missed.
   */
  wait(name: string, condition: WaitCondition): Promise<{ code: number; error?: string }>;
  /**
   * Joins streams of a container that runs or will. With `stdin`, what comes out of the socket goes in; the end of it ends the
   * input where `stdinOnce` is set. Resolves when the container's output has ended, the client has gone or it detached.
   */
  attach(name: string, client: AttachedClient, signal: AbortSignal): Promise<void>;
  /** Lines from the log, framed like an attached stream unless it has a terminal. */
  logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<Buffer>;
  processes(name: string): Promise<number[]>;
  usage(name: string): Promise<ContainerUsage>;
  /** What it changed against its image. */
  changes(name: string): Promise<{ path: string; kind: 'modified' | 'added' | 'deleted' }[]>;
  /** Bytes of its upper folder. */
  size(name: string): Promise<number>;
  files: ContainerFiles;
  execs: ContainerExecs;
  /**
   * Holds its files still enough to be read as an image: `upper` and `lowers` are whole folders.
   * @param pause freezes a running container for the time of `work`
   */
  withFiles<T>(
    name: string,
    pause: boolean,
    work: (files: { upper: string; lowers: string[] }) => Promise<T>,
  ): Promise<T>;
  /** Kills what runs and forgets nothing: the records say so when they are opened again. With `drop`, removes everything. */
  close(options?: { drop?: boolean }): Promise<void>;
}

/** Files of a container, running or not, links resolved as it would itself; nothing leads out of its root. */
export interface ContainerFiles {
  /** @throws Problem `not-found`: `Could not find the file PATH in container NAME` */
  stat(name: string, path: string): Promise<PathStat>;
  /** A tar of `path`, whose entries begin with its last segment. */
  read(name: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; tar: AsyncIterable<Buffer> }>;
  /** Unpacks into a folder. @throws Problem `invalid` for a bad archive or when `path` is no folder */
  write(name: string, path: string, tar: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>;
}

/** The header `X-Docker-Container-Path-Stat`. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's os.FileMode. */
  mode: number;
  mtime: string;
  linkTarget: string;
}

export interface WriteOptions {
  noOverwriteDirNonDir: boolean;
  copyUidGid: boolean;
}

export interface ContainerExecs {
  /** @throws Problem `conflict`: `container NAME is not running` */
  create(name: string, request: ExecRequest): Promise<string>;
  get(exec: string): ExecState;
  /** @param client absent: detached */
  start(
    exec: string,
    size: TerminalSize | undefined,
    client: AttachedClient | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  resize(exec: string, size: TerminalSize): void;
}

export interface ExecRequest {
  args: string[];
  env: string[];
  cwd?: string | undefined;
  user?: string | undefined;
  terminal: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  privileged: boolean;
  detachKeys?: string | undefined;
}

export interface ExecState extends ExecRequest {
  id: string;
  container: string;
  running: boolean;
  exitCode: number | undefined;
  pid: number;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** One end of a hijacked connection. */
export interface AttachedClient {
  socket: Duplex;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** What the log has, before what is new. */
  replay: boolean;
  /** Goes on with what is new. */
  follow: boolean;
  /** docker's notation; `ctrl-p,ctrl-q` when absent. */
  detachKeys?: string | undefined;
}

export interface LogOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  /** Milliseconds since 1970. */
  since?: number | undefined;
  until?: number | undefined;
  /** The last so many lines; absent: all. */
  tail?: number | undefined;
}

/** What `POST /containers/create` asks for, after the door has read and the policy has allowed it. */
export interface ContainerRequest {
  name?: string | undefined;
  /** As it was named, for `ps`. */
  image: string;
  /** Whole command lines; what is absent comes from the image. An empty entrypoint takes the image's away. */
  entrypoint?: string[] | undefined;
  command?: string[] | undefined;
  env: string[];
  cwd?: string | undefined;
  user?: string | undefined;
  hostname?: string | undefined;
  domainname?: string | undefined;
  labels: Record<string, string>;
  terminal: boolean;
  openStdin: boolean;
  stdinOnce: boolean;
  attach: { stdin: boolean; stdout: boolean; stderr: boolean };
  exposedPorts: string[];
  stopSignal?: string | undefined;
  stopSeconds?: number | undefined;
  autoRemove: boolean;
  restart: { policy: 'no' | 'always' | 'unless-stopped' | 'on-failure'; retries: number };
  mounts: RequestedMount[];
  network: RequestedNetwork;
  /** Published ports: `containerPort` as `80/tcp`. */
  ports: { containerPort: string; hostAddress: string; hostPort: number }[];
  log: { maxBytes: number; files: number };
  limits: Limits;
  privileged: boolean;
  capabilities: { add: string[]; drop: string[] };
  devices: { source: string; target: string; access: string }[];
  ulimits: { name: string; soft: number; hard: number }[];
  sysctls: Record<string, string>;
  shared: ('pid' | 'ipc' | 'uts')[];
  shmBytes?: number | undefined;
  extraGroups: string[];
  extraHosts: string[];
  dns: { servers: string[]; search: string[]; options: string[] };
  noNewPrivileges: boolean;
  unconfined: boolean;
  init: boolean;
  readonlyRootfs: boolean;
  /** The request as it came, for `inspect`: shown, never acted upon. */
  shown: unknown;
}

export type RequestedMount =
  | { kind: 'bind'; source: string; target: string; readonly: boolean; create: boolean }
  /** Without a name it belongs to this container alone; new ones take over what the image has at the target. */
  | { kind: 'volume'; name?: string | undefined; target: string; readonly: boolean; noCopy: boolean }
  | { kind: 'tmpfs'; target: string; sizeBytes?: number | undefined };

export type RequestedNetwork =
  | { kind: 'none' }
  | { kind: 'host' }
  /** The scope's own bridge when `name` is `bridge`, else one that was created; names resolve on the latter. */
  | { kind: 'named'; name: string; aliases: string[] }
  | { kind: 'container'; name: string };

export interface ContainerRecord {
  id: string;
  name: string;
  request: ContainerRequest;
  /** The image's id, which a moved tag doesn't change. */
  imageId: Digest;
  /** As it is run: of the request and the image. */
  process: { args: string[]; env: string[]; cwd: string; user: string };
  /** Milliseconds since 1970. */
  createdAt: number;
  state: ContainerState;
  /** With the names of volumes that were made for it. */
  mounts: ContainerMountRecord[];
  network: { name: string; address?: string | undefined; gateway?: string | undefined; mac?: string | undefined };
}

export interface ContainerMountRecord {
  kind: 'bind' | 'volume' | 'tmpfs';
  name?: string | undefined;
  source: string;
  target: string;
  readonly: boolean;
}

export interface ContainerState {
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead';
  pid: number;
  exitCode: number;
  error: string;
  outOfMemory: boolean;
  /** Milliseconds since 1970; 0: never. */
  startedAt: number;
  finishedAt: number;
  restarts: number;
}

/** What `docker events` tells of containers, volumes and networks. */
export interface ContainerEvent {
  type: 'container' | 'volume' | 'network';
  action: string;
  id: string;
  attributes: Record<string, string>;
}

/** Where root file systems come from: the engine, one room above. */
export interface ContainerImages {
  /**
   * @param name as a person gives it, ids and layers included; local ones only
   * @throws Problem `not-found`: `No such image: NAME:TAG`
   */
  rootfs(name: string, signal: AbortSignal): Promise<ContainerImage>;
  /** The image of a container may not be collected as long as the container is there. */
  keep(container: string, image: Digest): Promise<void>;
  release(container: string): Promise<void>;
}

export interface ContainerImage {
  id: Digest;
  lowers: string[];
  config: ContainerImageConfig;
  /** The folders may go; until then they stay. */
  release(): Promise<void>;
}

export interface ContainerImageConfig {
  entrypoint: string[];
  command: string[];
  env: string[];
  cwd: string;
  user: string;
  labels: Record<string, string>;
  volumes: string[];
  exposedPorts: string[];
  stopSignal?: string | undefined;
}

/** Named folders that containers share. */
export interface Volumes {
  create(name: string | undefined, labels: Record<string, string>): Promise<VolumeRecord>;
  get(name: string): VolumeRecord;
  list(): VolumeRecord[];
  /** @throws Problem `conflict` when a container uses it */
  remove(name: string, force: boolean): Promise<void>;
}

export interface VolumeRecord {
  name: string;
  labels: Record<string, string>;
  createdAt: number;
  folder: string;
  /** Made for one container, without a name of a person's. */
  anonymous: boolean;
}

/** Networks that somebody created; `bridge`, `host` and `none` are always there and can't be removed. */
export interface Networks {
  create(name: string, options: { labels: Record<string, string>; internal: boolean }): Promise<NetworkRecord>;
  get(name: string): NetworkRecord;
  list(): NetworkRecord[];
  /** @throws Problem `conflict` when a container is on it */
  remove(name: string): Promise<void>;
  /** For whoever runs something on it: made on first use, closed with the last container or the scope. */
  join(name: string): Promise<Network>;
}

export interface NetworkRecord {
  id: string;
  name: string;
  driver: 'bridge' | 'host' | 'null';
  labels: Record<string, string>;
  internal: boolean;
  createdAt: number;
  subnet?: string | undefined;
}
