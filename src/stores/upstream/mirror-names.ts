import { type Clock, systemClock } from '../../lib/clock.ts';
import type { OwnName } from '../registry/name.ts';
import type { RepositoryReader } from '../repositories/repositories.ts';
import { type Repository, repositoryPath } from '../repositories/repository.ts';
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
 * asks for the bare name. The answer is the remote repository that slipway.yaml names for the registry, else the one of
 * this upstream that was made first.
 */
export class MirrorNames {
  readonly #repositories: RepositoryReader;
  readonly #settings: () => MirrorSettings;
  readonly #clock: Clock;
  #listed: { at: number; all: Promise<Repository[]> } | undefined;

  constructor(repositories: RepositoryReader, settings: () => MirrorSettings, clock: Clock = systemClock) {
    this.#repositories = repositories;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Where an image of that registry is kept; undefined when no repository answers for it. */
  async of(host: string, path: string): Promise<OwnName | undefined> {
    const registry = DOCKER_HUB.has(host.toLowerCase()) ? 'docker.io' : host.toLowerCase();
    const chosen = this.#settings().pullThrough[registry];
    const repository = (await this.#all()).find(({ remote, ...id }) =>
      remote === undefined
        ? false
        : chosen === undefined
          ? upstreamOf(remote).host === registry && upstreamOf(remote).prefix === ''
          : repositoryPath(id) === chosen,
    );
    if (repository?.remote === undefined) return undefined;
    const { location, project } = repository;
    const image = canonicalImage(path, repository.remote);
    return { location, project, repository: repository.repository, image };
  }

  /** The same for a name without a registry; only two segments can be meant so, as `library/python`. */
  async ofBare(path: string): Promise<OwnName | undefined> {
    const { mirrorOf } = this.#settings();
    return mirrorOf === undefined || path.split('/').length !== 2 ? undefined : this.of(mirrorOf, path);
  }

  /** Those made first come first. */
  #all(): Promise<Repository[]> {
    const now = this.#clock.now();
    if (this.#listed === undefined || Math.abs(now - this.#listed.at) >= FRESH_MS) {
      const all = this.#repositories
        .list()
        .then((list) => list.filter(({ mode }) => mode === 'remote').sort((a, b) => a.createdAt - b.createdAt));
      all.catch(() => {
        this.#listed = undefined;
      });
      this.#listed = { at: now, all };
    }
    return this.#listed.all;
  }
}
