import type { Repository, RepositoryId } from './repository.ts';

/**
 * Repositories and their settings. Images lie in the registry store, whose writes look the settings up in their own
 * transaction (immutable tags); a repository that nobody made is made standard by the first push to it, unless slipway.yaml
 * forbids that (`registries.createOnPush`).
 */
export interface RepositoryReader {
  get(id: RepositoryId): Promise<Repository | undefined>;
  /** In byte order of their names, those below `LOCATION/PROJECT/`, of one location, or all. */
  list(filter?: { location?: string | undefined; project?: string | undefined }): Promise<Repository[]>;
  /** Locations that have repositories of the project. */
  locations(project: string): Promise<string[]>;
}

export interface RepositoryWriter {
  /** @throws Problem `conflict` when it exists, `invalid` when mode and settings don't go together (validate.ts) */
  create(settings: NewRepository, actor: string): Promise<Repository>;
  /** @throws Problem `not-found`; `invalid` (mode and upstream of a remote one can't change) */
  update(id: RepositoryId, change: RepositoryChange, actor: string): Promise<Repository>;
  /**
   * With all its images, which are out of sight at once; their rows go with `forgetDeleted`, their bytes when nobody else
   * claims them. False when there was none.
   */
  remove(id: RepositoryId, actor: string): Promise<boolean>;
}

export type NewRepository = RepositoryId & Given<Omit<Repository, keyof RepositoryId | 'createdAt' | 'updatedAt'>>;

/** What is undefined stays as it is. */
export type RepositoryChange = Given<Omit<Repository, keyof RepositoryId | 'mode' | 'createdAt' | 'updatedAt'>>;

type Given<T> = { [K in keyof T]?: T[K] | undefined };

export interface RepositoryStore extends RepositoryReader, RepositoryWriter {}
