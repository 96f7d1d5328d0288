import type { Grant } from '../../auth/identity.ts';
import type {
  CopyResult,
  ImageBuildResult,
  ImageDetails,
  LoadedImage,
  PullResult,
  PushResult,
} from '../../engine/engine.ts';
import type { BuildEvent } from '../../engine/events.ts';
import type { ImageBuildRequest } from '../../engine/request.ts';
import type { Digest } from '../../images/digest.ts';
import type { ProblemJson } from '../../lib/problem.ts';
import type { NamedImage } from '../../stores/names/names.ts';
import type { UpstreamState } from '../../stores/upstream/upstream-state.ts';
import type { HouseCalls } from './house-wire.ts';
import type { RegistryCalls } from './registry-wire.ts';
import type { SecretCalls } from './secret-wire.ts';

/**
 * What the command line asks of the server, on the unix socket of the data folder (mode 0600): whoever may open it is
 * the owner. Every call is `POST /control/<method>` with a JSON body; the answer is one JSON object per line: any number
 * of `event`s, then one `result` or one `problem`. Closing the connection cancels the call.
 */
export type ControlLine<M extends ControlMethod> =
  | { event: ControlCalls[M]['event'] }
  | { result: ControlCalls[M]['result'] }
  | { problem: ProblemJson };

/** What `docker build` has; every path is absolute and on this machine, and the owner of the data folder may read it. */
export type BuildCall = Omit<ImageBuildRequest, 'network' | 'onEvent' | 'secret' | 'ssh' | 'outputs'> & {
  network: 'default' | 'none' | 'host';
  project: string;
  /** Values in base64, by id. */
  secrets: Record<string, string>;
  /** Sockets of agents, by id. */
  ssh: Record<string, string>;
  outputs: ({ kind: 'local'; folder: string } | ({ kind: 'tar' | 'oci' | 'docker'; names: string[] } & BytePlace))[];
  /** Push every tag when the build succeeded. */
  push: boolean;
};

/** A file of this machine, or a unix socket that the caller listens on. */
export type BytePlace = { file: string } | { socket: string };

/** A folder of this machine with an image layout. */
export interface LayoutPlace {
  folder: string;
}

/** A layer that is pulled, pushed or copied, in docker's words; with `current`, so many of its bytes are there. */
export interface TransferEvent {
  kind: 'layer';
  layer: Digest;
  state?: string | undefined;
  /** The repository that it was mounted from. */
  from?: string | undefined;
  current?: number | undefined;
  total?: number | undefined;
}

export interface ServerStatus {
  version: string;
  pid: number;
  /** Base URL of the HTTP doors. */
  url: string;
  data: string;
  /** Path of docker's socket. */
  dockerSocket: string;
  startedAt: number;
  location: string;
  /** Draining: it takes no more builds from the queue, because it is to end. */
  builds: { running: number; waiting: number; draining: boolean };
  /** Of all remote repositories. */
  upstreams: UpstreamState[];
}

export interface ControlCalls extends RegistryCalls, SecretCalls, HouseCalls {
  status: { request: Record<string, never>; event: never; result: ServerStatus };
  build: {
    request: BuildCall;
    event: BuildEvent;
    result: ImageBuildResult & { ms: number; pushed: PushResult[] };
  };
  images: { request: Record<string, never>; event: never; result: NamedImage[] };
  inspect: { request: { name: string }; event: never; result: ImageDetails };
  tag: { request: { source: string; target: string }; event: never; result: null };
  remove: { request: { name: string }; event: never; result: null };
  /** Images without a name that no container and no other image needs; their blobs go with the next `prune`. */
  pruneImages: { request: Record<string, never>; event: never; result: { images: number } };
  /** `lazy` leaves the layers at their registry until something needs them. */
  pull: {
    request: { name: string; platform?: string | undefined; lazy?: boolean | undefined };
    event: TransferEvent;
    result: PullResult & { ms: number };
  };
  push: { request: { name: string; all: boolean }; event: TransferEvent; result: (PushResult & { ms: number })[] };
  /** Local images as one archive, or as a folder with an image layout; `docker` has one platform and no referrers. */
  save: {
    request: {
      names: string[];
      form: 'oci' | 'docker';
      to: BytePlace | LayoutPlace;
      platforms?: string[] | undefined;
      referrers?: boolean | undefined;
    };
    event: never;
    result: null;
  };
  /** An archive of images, or a folder; `name` is another name for the only one. */
  load: { request: { from: BytePlace | LayoutPlace; name?: string | undefined }; event: never; result: LoadedImage[] };
  /** From one registry to another (either may be ours), bytes as they are; `all`: every tag of a repository. */
  copy: {
    request: {
      source: string;
      target: string;
      all?: boolean | undefined;
      platforms?: string[] | undefined;
      referrers?: boolean | undefined;
    };
    event: TransferEvent;
    result: { images: CopyResult[]; ms: number };
  };
  createToken: {
    request: { note: string; grants: Grant[]; expiresAt?: number | undefined };
    event: never;
    result: { id: string; secret: string };
  };
  /** What logs in at a registry host that is ours, for an hour; null for any other host. */
  registryLogin: {
    request: {
      host: string;
      /** URL of the proxy that the client goes through, if it does. */
      proxy?: string | undefined;
    };
    event: never;
    result: { username: string; secret: string } | null;
  };
  tokens: { request: Record<string, never>; event: never; result: TokenRow[] };
  revokeToken: { request: { id: string }; event: never; result: boolean };
  /** What a docker client on another machine shows; `listen` is where it is served, if it is. */
  dockerCertificate: {
    request: { project: string; lifeMs: number };
    event: never;
    result: { ca: string; cert: string; key: string; listen?: string | undefined };
  };
  /** The key file of a service account of our own (JSON text), for gcloud and gsutil. */
  serviceAccountKey: { request: { project: string }; event: never; result: { email: string; key: string } };
}

export type ControlMethod = keyof ControlCalls;

export interface TokenRow {
  id: string;
  note: string;
  kind: 'token' | 'build';
  grants: string[];
  createdAt: number;
  expiresAt?: number | undefined;
  lastUsedAt?: number | undefined;
}
