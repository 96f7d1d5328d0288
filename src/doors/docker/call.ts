import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Network } from '../../containers/container.ts';
import type { Containers } from '../../containers/containers.ts';
import type { LentFolders } from '../../containers/lent/lent-folders.ts';
import type { Networks } from '../../containers/networks.ts';
import type { Volumes } from '../../containers/volumes.ts';
import type { CachedLayer, CacheForgotten } from '../../engine/cache/cache.ts';
import type { Caller, Engine } from '../../engine/engine.ts';
import type { RegistryCredentials } from '../../images/remote/hosts.ts';
import type { Clock } from '../../lib/clock.ts';
import type { EventHub } from './events.ts';

/** Who is at the other end; what each may do is policy.ts's. */
export interface DockerClient {
  /** The owner's socket, a TCP client with a certificate of ours, or the socket of a build. */
  kind: 'owner' | 'client' | 'build';
  /** Whose local image names and containers these are. */
  scope: string;
  project: string;
  actor: string;
}

/** An image of our registry, as it is pulled, and the first of its tags. */
export interface FoundRepository {
  name: string;
  tags: string[];
}

/** What the door speaks for: everything of one scope. */
export interface DockerHouse {
  client: DockerClient;
  engine: Engine;
  containers: Containers;
  volumes: Volumes;
  networks: Networks;
  /** What its containers may bind besides volumes; nothing but for a build. */
  lent: LentFolders;
  events: EventHub;
  /** Folder of this scope for what has to lie on a disk: contexts, archives on their way. */
  folder: string;
  /** The same for what the next process may find again: files of clients, so that they are not sent twice. */
  keptFolder: string;
  /** What builds of this project have made, and a later one may find. */
  cachedLayers(): Promise<CachedLayer[]>;
  /** Forgets what builds of this project have made and nobody used since. @param unusedSince milliseconds since 1970 */
  forgetBuilds(unusedSince: number): Promise<CacheForgotten>;
  /** What `default` means for the RUN lines of a build; ended by the caller. */
  openBuildNetwork(
    mode: 'default' | 'none' | 'host',
    caller: Caller,
  ): Promise<{ network: Network; close(): Promise<void> }>;
  /** Whether a registry host is served here: it needs no login. */
  isOwnRegistry(host: string): boolean;
  /** Images of our registry that this client may read and whose names have the term in them, in byte order. */
  searchRegistry(asked: { term: string; limit: number }): Promise<FoundRepository[]>;
  /** Asks another registry whether it takes these. @throws Problem `unauthenticated`, `unavailable` */
  verifyLogin(host: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<void>;
  clock: Clock;
  /** Of Slipway, as `docker version` shows it. */
  version: string;
}

/** One request, after the version was taken off its path. */
export interface DockerCall {
  request: IncomingMessage;
  /** Unused once the connection is hijacked. */
  response: ServerResponse;
  /** Of the path, percent-decoded. */
  params: Record<string, string>;
  query: URLSearchParams;
  /** The minor number of the API that the client speaks: 41 for 1.41; the newest we have when it names none. */
  version: number;
  house: DockerHouse;
  /** For the engine; its signal is this call's. */
  caller: Caller;
  /** Aborted when the client is gone before the answer was complete. */
  signal: AbortSignal;
  /**
   * Takes the connection over: answers 101 (or 200 to those who don't ask for an upgrade) and gives the raw stream, with
   * what the client had sent already in it. Both halves end on their own.
   * @param answer the value of `Upgrade` to answer with, and the content type of what follows
   */
  hijack(answer: { upgrade: string; contentType?: string | undefined }): Duplex;
}

/** Answers a call; what it throws is rendered by errors.ts, also in the middle of a stream of JSON lines. */
export type DockerHandler = (call: DockerCall) => Promise<void>;
