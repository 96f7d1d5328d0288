import { type Kysely, type Selectable, sql } from 'kysely';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { RegistryAction } from '../../stores/registry/events.ts';
import type { NewRepository, RepositoryChange, RepositoryStore } from '../../stores/repositories/repositories.ts';
import { type Repository, type RepositoryId, repositoryPath } from '../../stores/repositories/repository.ts';
import { validateRepository } from '../../stores/repositories/validate.ts';
import type { Database } from './database.ts';
import { type DirectRows, directAccess } from './direct-rows.ts';
import { writeEvents } from './registry-events.ts';
import { BEYOND_NAMES, type RegistryTables, type RegistryTransaction } from './registry-tables.ts';

type SettingsRow = RegistryTables['repository_settings'];

/** The fields that lie in the row's JSON; those that the registry's writes ask for have columns. */
type Settings = Omit<Repository, keyof RepositoryId | 'mode' | 'immutableTags' | 'createdAt' | 'updatedAt'>;

const DEFAULTS: Settings = {
  description: '',
  labels: {},
  anonymousPull: false,
  cleanupPolicies: [],
  cleanupDryRun: false,
};

/** Repositories and their settings as rows. Only the owner process has one. */
export class SqliteRepositories implements RepositoryStore {
  readonly #database: Kysely<RegistryTables>;
  readonly #changing: DirectRows;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock = systemClock) {
    this.#database = database.withTables<RegistryTables>();
    this.#changing = directAccess(database).changing;
    this.#clock = clock;
  }

  get(id: RepositoryId): Promise<Repository | undefined> {
    return find(this.#database, id);
  }

  async list(filter: { location?: string | undefined; project?: string | undefined } = {}): Promise<Repository[]> {
    let query = this.#database.selectFrom('repository_settings').selectAll().orderBy('path');
    if (filter.project !== undefined) query = query.where('project', '=', filter.project);
    if (filter.location !== undefined) query = query.where('location', '=', filter.location);
    return (await query.execute()).map(repositoryOf);
  }

  async locations(project: string): Promise<string[]> {
    const rows = await this.#database
      .selectFrom('repository_settings')
      .select('location')
      .distinct()
      .where('project', '=', project)
      .orderBy('location')
      .execute();
    return rows.map((row) => row.location);
  }

  create(settings: NewRepository, actor: string): Promise<Repository> {
    return this.#write(async (transaction, now) => {
      const path = repositoryPath(settings);
      if ((await find(transaction, settings)) !== undefined)
        throw new Problem('conflict', `repository ${path} exists already`);
      const repository: Repository = {
        ...DEFAULTS,
        mode: 'standard',
        immutableTags: false,
        ...defined(settings),
        createdAt: now,
        updatedAt: now,
      };
      validateRepository(repository);
      await checkVirtual(transaction, repository);
      await transaction.insertInto('repository_settings').values(rowOf(repository)).execute();
      this.#note('create-repository', repository, actor, now);
      return repository;
    });
  }

  update(id: RepositoryId, change: RepositoryChange, actor: string): Promise<Repository> {
    return this.#write(async (transaction, now) => {
      const before = await find(transaction, id);
      if (before === undefined) throw new Problem('not-found', `there is no repository ${repositoryPath(id)}`);
      const repository: Repository = { ...before, ...defined(change), updatedAt: now };
      if (before.remote?.url !== repository.remote?.url || before.remote?.dockerHub !== repository.remote?.dockerHub)
        throw new Problem('invalid', `the upstream of ${repositoryPath(id)} can not change`, {
          hint: 'Make another repository: what this one holds came from its upstream.',
        });
      validateRepository(repository);
      await checkVirtual(transaction, repository);
      const { path, ...row } = rowOf(repository);
      await transaction.updateTable('repository_settings').set(row).where('path', '=', path).execute();
      this.#note('update-repository', repository, actor, now);
      return repository;
    });
  }

  remove(id: RepositoryId, actor: string): Promise<boolean> {
    return this.#write(async (transaction, now) => {
      const path = repositoryPath(id);
      const gone = await transaction.deleteFrom('repository_settings').where('path', '=', path).executeTakeFirst();
      if (gone.numDeletedRows === 0n) return false;
      await sql`update repositories set removed_at = ${now}, key = ${BEYOND_NAMES} || id || '/' || key
        where key >= ${`${path}/`} and key < ${`${path}/${BEYOND_NAMES}`}`.execute(transaction);
      this.#note('delete-repository', id, actor, now);
      return true;
    });
  }

  #note(action: RegistryAction, id: RepositoryId, actor: string, now: number): void {
    writeEvents(this.#changing, [{ at: now, actor, action, repository: repositoryPath(id) }]);
  }

  #write<T>(work: (transaction: RegistryTransaction, now: number) => Promise<T>): Promise<T> {
    return this.#database.transaction().execute((transaction) => work(transaction, this.#clock.now()));
  }
}

async function find(database: Kysely<RegistryTables>, id: RepositoryId): Promise<Repository | undefined> {
  const row = await database
    .selectFrom('repository_settings')
    .selectAll()
    .where('path', '=', repositoryPath(id))
    .executeTakeFirst();
  return row === undefined ? undefined : repositoryOf(row);
}

/**
 * What stands behind a virtual repository is there and holds images itself, so that no circle can come about.
 * @throws Problem `invalid`
 */
async function checkVirtual(transaction: RegistryTransaction, repository: Repository): Promise<void> {
  for (const upstream of repository.virtual ?? []) {
    const path = repositoryPath(upstream.repository);
    const found = await find(transaction, upstream.repository);
    if (found === undefined)
      throw new Problem('invalid', `${repositoryPath(repository)} stands on ${path}, which is not there`, {
        hint: 'Make the repositories behind a virtual one first.',
      });
    if (found.mode === 'virtual')
      throw new Problem('invalid', `${repositoryPath(repository)} stands on ${path}, which is virtual itself`, {
        hint: `Name what stands behind ${path} instead.`,
      });
  }
}

/** What a caller leaves undefined stays as it is. */
function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function repositoryOf(row: Selectable<SettingsRow>): Repository {
  const [location = '', project = '', repository = ''] = row.path.split('/');
  return {
    location,
    project,
    repository,
    mode: row.mode,
    immutableTags: row.immutable_tags === 1,
    ...DEFAULTS,
    ...(JSON.parse(row.settings) as Partial<Settings>),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function rowOf(repository: Repository): SettingsRow {
  const { location, project, repository: name, mode, immutableTags, createdAt, updatedAt, ...settings } = repository;
  return {
    path: repositoryPath({ location, project, repository: name }),
    location,
    project,
    mode,
    immutable_tags: immutableTags ? 1 : 0,
    settings: JSON.stringify(settings),
    created_at: createdAt,
    updated_at: updatedAt,
  };
}
