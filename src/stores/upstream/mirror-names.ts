import { type Clock, systemClock } from '../../lib/clock.ts';
import type { OwnName } from '../registry/name.ts';
import type { RepositoryReader } from '../repositories/repositories.ts';
import { type RemoteUpstream, type Repository, repositoryPath } from '../repositories/repository.ts';
import { canonicalImage, upstreamOf } from './upstream.ts';

export interface MirrorSettings {
  /** The registry whose names are meant by those of two segments that nobody pushed here; absent: none. */
  mirrorOf?: string | undefined;
  /** Which remote repository answers for a registry: `docker.io` -> `LOCATION/PROJECT/REPOSITORY`. */
  pullThrough: Readonly<Record<string, string>>;
}

/** The list of repositories is believed for so long. Milliseconds. */
const FRESH_MS = 1000;

const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * What a daemon means that uses us as a mirror of another registry. containerd says which registry, in `?ns=`; dockerd
 * asks for the bare name. The answer is the remote repository that slipway.yaml names for the registry, else those of
 * this upstream: first the owner's, then in the order in which they were made. Whoever may make repositories over HTTP
 * speaks for no registry by an address without TLS.
 */
export class MirrorNames {
  readonly #repositories: RepositoryReader;
  readonly #settings: () => MirrorSettings;
  readonly #clock: Clock;
  #listed: { at: number; all: Promise<RemoteRepository[]> } | undefined;

  constructor(repositories: RepositoryReader, settings: () => MirrorSettings, clock: Clock = systemClock) {
    this.#repositories = repositories;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Where an image of that registry may be kept, the best place first; the caller takes one that its client may read. */
  async of(host: string, path: string): Promise<OwnName[]> {
    const registry = DOCKER_HUB.has(host.toLowerCase()) ? 'docker.io' : host.toLowerCase();
    const { pullThrough } = this.#settings();
    const chosen = Object.hasOwn(pullThrough, registry) ? pullThrough[registry] : undefined;
    return (await this.#all()).flatMap(({ remote, location, project, repository }) => {
      const answers =
        chosen === undefined ? isOf(remote, registry) : repositoryPath({ location, project, repository }) === chosen;
      return answers ? [{ location, project, repository, image: canonicalImage(path, remote) }] : [];
    });
  }

  /** The same for a name without a registry; only two segments can be meant so, as `library/python`. */
  async ofBare(path: string): Promise<OwnName[]> {
    const { mirrorOf } = this.#settings();
    return mirrorOf === undefined || path.split('/').length !== 2 ? [] : this.of(mirrorOf, path);
  }

  #all(): Promise<RemoteRepository[]> {
    const now = this.#clock.now();
    if (this.#listed === undefined || Math.abs(now - this.#listed.at) >= FRESH_MS) {
      const all = this.#repositories
        .list()
        .then((list) => list.filter(isRemote).sort((a, b) => rank(a) - rank(b) || a.createdAt - b.createdAt));
      all.catch(() => {
        this.#listed = undefined;
      });
      this.#listed = { at: now, all };
    }
    return this.#listed.all;
  }
}

type RemoteRepository = Repository & { remote: RemoteUpstream };

function isRemote(repository: Repository): repository is RemoteRepository {
  return repository.remote !== undefined;
}

function rank({ remote }: RemoteRepository): number {
  return remote.byOwner === true ? 0 : 1;
}

function isOf(remote: RemoteUpstream, registry: string): boolean {
  const { host, prefix, url } = upstreamOf(remote);
  return host === registry && prefix === '' && (remote.byOwner === true || url.startsWith('https:'));
}
