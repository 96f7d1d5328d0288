import type { ContainerRuntime } from '../containers/container.ts';
import type { Digest } from '../images/digest.ts';
import type { Platform } from '../images/platform.ts';
import type { RegistryClient } from '../images/remote/client.ts';
import type { AddressRules } from '../images/remote/hosts.ts';
import type { Clock } from '../lib/clock.ts';
import type { BlobOrigin, BlobRows, ContentStore } from '../stores/content/content.ts';
import type { NameStore } from '../stores/names/names.ts';
import type { OwnName, OwnNames } from '../stores/registry/name.ts';
import type { RegistryStore } from '../stores/registry/registry.ts';
import type { CacheStore, Flights } from './cache/cache.ts';
import type { Caller } from './engine.ts';
import type { Entitlement } from './request.ts';
import type { GitLimits } from './sources/git-limits.ts';
import type { ProjectContent } from './transfer/project-content.ts';

/** What start/ gives to the engine. */
export interface EngineDeps {
  content: ContentStore;
  /** Where blobs that we don't have can be fetched from, and which projects have had theirs. */
  blobs: Pick<BlobRows, 'noteSources' | 'sources' | 'notePossession' | 'possessed' | 'noteDiffID'>;
  names: NameStore;
  registry: RegistryStore;
  cache: CacheStore;
  flights: Flights;
  runtime: ContainerRuntime;
  /** Other registries. */
  remote: RegistryClient;
  /** The same for a caller with credentials of its own; absent: those are not used. */
  remoteAs?: ((credentials: NonNullable<Caller['credentials']>) => RegistryClient) | undefined;
  /** Where ADD and contexts may fetch from; absent: everywhere. */
  fetch?: AddressRules | undefined;
  /** What a repository may take; absent: the defaults. */
  git?: GitLimits | undefined;
  /** Hosts that we are, and what names there mean. */
  own: OwnNames;
  /** Whether a repository at a host that we are has its images from elsewhere; `remote` then pulls them through it. Absent: none has. */
  pullsThrough?: ((host: string, repository: string) => Promise<boolean>) | undefined;
  /** The data folder's `snapshots/`. */
  snapshots: string;
  /** What is built when nobody names a platform. */
  platform: Platform;
  clock: Clock;
  /** What the owner of the server lets builds ask for; absent: nothing. */
  entitlements?: readonly Entitlement[] | undefined;
  /** Whether a caller may read from or write to a repository of ours; absent: whoever reaches the engine may. */
  authorise?: ((caller: Caller, role: 'reader' | 'writer', name: OwnName) => Promise<boolean>) | undefined;
  /** Whether a caller may have the bytes of every project, whoever brought them; absent: nobody. */
  readsEverything?: ((caller: Caller) => boolean) | undefined;
  /** Other registries that have checked what their manifests name: when one says that it has a blob, it has it. Absent: none. */
  vouches?: ((host: string) => boolean) | undefined;
}

/** The same for one project: its view of the content store, and the places that it was told of. */
export interface ProjectDeps extends EngineDeps {
  content: ProjectContent;
  origins: {
    noteSources(sources: BlobOrigin[]): Promise<void>;
    sources(digest: Digest): Promise<BlobOrigin[]>;
  };
}
