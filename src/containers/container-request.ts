import type { Limits } from './container.ts';

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
