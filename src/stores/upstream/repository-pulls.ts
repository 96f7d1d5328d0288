import type { Digest } from '../../images/digest.ts';
import type { TransportOptions } from '../../images/remote/transport.ts';
import { cancelled } from '../../lib/cancelled.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ContentStore } from '../content/content.ts';
import { parseRepositoryKey } from '../registry/name.ts';
import type { Page, RegistryStore, StoredManifest } from '../registry/registry.ts';
import { mayStandBehind } from '../repositories/may-stand-behind.ts';
import type { RepositoryReader } from '../repositories/repositories.ts';
import { type RemoteUpstream, type Repository, repositoryPath } from '../repositories/repository.ts';
import type { FetchLocks } from './blob-flights.ts';
import { KnownRepositories } from './known-repositories.ts';
import type { Listed, PulledBlob, PulledManifest, PullOptions } from './pull-source.ts';
import { type RemoteImage, remoteImage } from './remote-image.ts';
import { RemotePulls } from './remote-pulls.ts';
import type { UpstreamRows } from './rows.ts';
import { StandardPulls } from './standard-pulls.ts';
import { upstreamOf } from './upstream.ts';
import { accountOf, type GuardedHosts, UpstreamClients } from './upstream-clients.ts';
import type { UpstreamState } from './upstream-state.ts';
import { type MemberPulls, type VirtualMember, VirtualPulls } from './virtual-pulls.ts';

export interface PullParts {
  registry: RegistryStore;
  content: ContentStore;
  repositories: RepositoryReader;
  rows: UpstreamRows;
  hosts: GuardedHosts;
  /** Projects whose repositories may stand behind virtual ones of any other. */
  sharedProjects: () => readonly string[];
  /** So that two processes of the machine don't fetch the same blob at once. */
  locks?: FetchLocks | undefined;
  transport?: TransportOptions | undefined;
  clock?: Clock | undefined;
  /** Milliseconds that whoever has a copy waits for the upstream's word. */
  checkMs?: number | undefined;
}

type Place =
  | { mode: 'standard' }
  | { mode: 'remote'; image: RemoteImage }
  | { mode: 'virtual'; members: VirtualMember[] };

const STANDARD: Place = { mode: 'standard' };

/** The pull source of a data folder: looks up the mode of the repository, and lets that answer. */
export class RepositoryPulls implements MemberPulls {
  readonly #parts: PullParts;
  readonly #known: KnownRepositories;
  readonly #clients: UpstreamClients;
  readonly #standard: StandardPulls;
  readonly #remote: RemotePulls;
  readonly #virtual: VirtualPulls;

  constructor(parts: PullParts) {
    this.#parts = parts;
    this.#known = new KnownRepositories(parts.repositories, parts.clock);
    this.#clients = new UpstreamClients(parts.hosts, parts.rows, parts.transport);
    this.#standard = new StandardPulls(parts.registry, parts.content);
    this.#remote = new RemotePulls(parts);
    this.#virtual = new VirtualPulls(this);
  }

  async manifest(key: string, reference: string, options: PullOptions = {}): Promise<PulledManifest | undefined> {
    const place = await this.#place(key);
    if (place.mode === 'remote') return this.#remote.manifest(place.image, reference, options);
    if (place.mode === 'virtual') return this.#virtual.manifest(place.members, reference, options);
    return this.#standard.manifest(key, reference);
  }

  async blob(key: string, digest: Digest, options: PullOptions = {}): Promise<PulledBlob | undefined> {
    const place = await this.#place(key);
    if (place.mode === 'remote') return this.#remote.blob(place.image, digest, options);
    if (place.mode === 'virtual') return this.#virtual.blob(place.members, digest, options);
    return this.#standard.blob(key, digest, options);
  }

  async bring(key: string, digest: Digest, signal?: AbortSignal): Promise<boolean> {
    const place = await this.#place(key);
    if (place.mode === 'virtual') return this.#virtual.bring(place.members, digest, signal);
    if (place.mode === 'remote') return unlessAborted(this.#remote.bring(place.image, digest), signal);
    return this.#standard.bring(key, digest);
  }

  async tags(key: string, page: Page): Promise<Listed<string> | undefined> {
    const place = await this.#place(key);
    if (place.mode === 'remote') return this.#remote.tags(place.image, page);
    if (place.mode === 'virtual') return this.#virtual.tags(place.members, page);
    return this.#standard.tags(key, page);
  }

  async referrers(key: string, subject: Digest, artifactType?: string): Promise<Listed<StoredManifest>> {
    const place = await this.#place(key);
    if (place.mode === 'remote') return this.#remote.referrers(place.image, subject, artifactType);
    if (place.mode === 'virtual') return this.#virtual.referrers(place.members, subject, artifactType);
    return this.#standard.referrers(key, subject, artifactType);
  }

  async names(key: string, digest: Digest): Promise<boolean> {
    const place = await this.#place(key);
    if (place.mode === 'virtual') return false;
    const kept = place.mode === 'remote' ? place.image.key : key;
    return (await this.#parts.registry.userOf(kept, digest)) !== undefined;
  }

  /** Whether the repository of this image has its images from elsewhere. */
  async pullsThrough(key: string): Promise<boolean> {
    return (await this.#place(key)).mode !== 'standard';
  }

  /** Of all remote repositories, with the quotas that their upstreams wrote on their last answers. */
  async upstreamStates(): Promise<UpstreamState[]> {
    const quotas = await this.#parts.rows.quotas();
    const remotes = (await this.#parts.repositories.list()).filter(isRemote);
    return remotes.map((repository) => {
      const { host, url } = upstreamOf(repository.remote);
      const username = accountOf(repository.remote);
      const failure = this.#remote.rest.failure(url);
      return {
        repository: repositoryPath(repository),
        host,
        url,
        username,
        failure: failure === undefined ? undefined : { message: failure.problem.message, since: failure.since },
        quota: quotas.find((quota) => quota.host === host && quota.username === username),
      };
    });
  }

  /** When nothing is being fetched ahead. */
  idle(): Promise<void> {
    return this.#remote.idle();
  }

  /** Ends what is being fetched; those who wait for it get `cancelled`. */
  async close(): Promise<void> {
    await this.#remote.close();
    this.#clients.close();
  }

  async #place(key: string): Promise<Place> {
    const { image, ...id } = parseRepositoryKey(key);
    const repository = await this.#known.get(id);
    if (repository === undefined || repository.mode === 'standard') return STANDARD;
    if (isRemote(repository)) return { mode: 'remote', image: remoteImage(repository, image, this.#clients) };
    return { mode: 'virtual', members: await this.#members(repository, image) };
  }

  /** Highest priority first. Asked at each pull, because what was shared or open may be so no longer. */
  async #members({ project, virtual = [] }: Repository, image: string): Promise<VirtualMember[]> {
    const members: VirtualMember[] = [];
    for (const { repository: id } of [...virtual].sort((a, b) => b.priority - a.priority)) {
      const member = await this.#known.get(id);
      if (member === undefined || member.mode === 'virtual') continue;
      if (!mayStandBehind(member, project, this.#parts.sharedProjects())) continue;
      const path = repositoryPath(id);
      members.push({ key: `${path}/${image}`, path });
    }
    return members;
  }
}

function isRemote(repository: Repository): repository is Repository & { remote: RemoteUpstream } {
  return repository.mode === 'remote' && repository.remote !== undefined;
}

/** The fetch goes on for others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelled());
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
