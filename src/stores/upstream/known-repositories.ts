import { type Clock, systemClock } from '../../lib/clock.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import type { RepositoryReader } from '../repositories/repositories.ts';
import { type Repository, type RepositoryId, repositoryPath } from '../repositories/repository.ts';

/** How long settings are believed: every pull asks for them, and they change a few times in a year. Milliseconds. */
const FRESH_MS = 1000;
const REMEMBERED = 1000;

/** Repositories as they were within the last second. One that isn't there is asked for each time: it may be made now. */
export class KnownRepositories {
  readonly #repositories: RepositoryReader;
  readonly #clock: Clock;
  readonly #known = new LatelyUsed<string, { at: number; repository: Repository }>(REMEMBERED);

  constructor(repositories: RepositoryReader, clock: Clock = systemClock) {
    this.#repositories = repositories;
    this.#clock = clock;
  }

  async get(id: RepositoryId): Promise<Repository | undefined> {
    const path = repositoryPath(id);
    const known = this.#known.get(path);
    if (known !== undefined && Math.abs(this.#clock.now() - known.at) < FRESH_MS) return known.repository;
    const repository = await this.#repositories.get(id);
    if (repository !== undefined) this.#known.set(path, { at: this.#clock.now(), repository });
    return repository;
  }
}
