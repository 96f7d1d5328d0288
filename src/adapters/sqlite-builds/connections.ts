import type { Selectable } from 'kysely';
import type {
  Connection,
  ConnectionRecord,
  ConnectionStore,
  Repository,
  RepositoryRecord,
} from '../../builds/triggers/connection.ts';
import { Problem } from '../../lib/problem.ts';
import type { Database } from '../sqlite/database.ts';

/** Tables of migration 0018. */
type ConnectionTables = {
  connections: { name: string; project: string; location: string; webhook_key: string; connection: string };
  connected_repositories: {
    name: string;
    connection: string;
    project_number: number;
    path: string;
    repository: string;
  };
};

export class SqliteConnections implements ConnectionStore {
  readonly #db;

  constructor(database: Database) {
    this.#db = database.withTables<ConnectionTables>();
  }

  async create(record: ConnectionRecord): Promise<void> {
    const { connection, project, location, webhookKey } = record;
    const result = await this.#db
      .insertInto('connections')
      .values({
        name: connection.name,
        project,
        location,
        webhook_key: webhookKey,
        connection: JSON.stringify(connection),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows !== 1n)
      throw new Problem('conflict', `connection ${connection.name} exists already`);
  }

  async get(name: string): Promise<ConnectionRecord | undefined> {
    const rows = this.#db.selectFrom('connections').selectAll().where('name', '=', name);
    return connectionOf(await rows.executeTakeFirst());
  }

  async byWebhookKey(key: string): Promise<ConnectionRecord | undefined> {
    const rows = this.#db.selectFrom('connections').selectAll().where('webhook_key', '=', key);
    return connectionOf(await rows.executeTakeFirst());
  }

  async list(project: string, location: string | undefined): Promise<ConnectionRecord[]> {
    let rows = this.#db.selectFrom('connections').selectAll().where('project', '=', project);
    if (location !== undefined) rows = rows.where('location', '=', location);
    return (await rows.orderBy('name').execute()).map(connectionOf).filter((record) => record !== undefined);
  }

  async replace({ connection }: ConnectionRecord): Promise<boolean> {
    const result = await this.#db
      .updateTable('connections')
      .set({ connection: JSON.stringify(connection) })
      .where('name', '=', connection.name)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }

  async remove(name: string): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      const used = transaction.selectFrom('connected_repositories').select('name').where('connection', '=', name);
      if ((await used.limit(1).executeTakeFirst()) !== undefined)
        throw new Problem('conflict', `connection ${name} has repositories`, {
          hint: 'Unlink them first: gcloud builds repositories delete.',
        });
      const result = await transaction.deleteFrom('connections').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows === 1n;
    });
  }

  async link({ repository, projectNumber, path }: RepositoryRecord): Promise<void> {
    const result = await this.#db
      .insertInto('connected_repositories')
      .values({
        name: repository.name,
        connection: connectionNameOf(repository.name),
        project_number: projectNumber,
        path,
        repository: JSON.stringify(repository),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows !== 1n)
      throw new Problem('conflict', `${repository.name} or another repository of ${path} is linked already`);
  }

  async repository(name: string): Promise<RepositoryRecord | undefined> {
    const rows = this.#db.selectFrom('connected_repositories').selectAll().where('name', '=', name);
    return repositoryOf(await rows.executeTakeFirst());
  }

  async repositories(connection: string): Promise<RepositoryRecord[]> {
    const rows = this.#db.selectFrom('connected_repositories').selectAll().where('connection', '=', connection);
    return (await rows.orderBy('name').execute()).map(repositoryOf).filter((record) => record !== undefined);
  }

  async unlink(name: string): Promise<boolean> {
    const result = await this.#db.deleteFrom('connected_repositories').where('name', '=', name).executeTakeFirst();
    return result.numDeletedRows === 1n;
  }
}

function connectionOf(row: Selectable<ConnectionTables['connections']> | undefined): ConnectionRecord | undefined {
  if (row === undefined) return undefined;
  const { project, location, webhook_key, connection } = row;
  return { connection: JSON.parse(connection) as Connection, project, location, webhookKey: webhook_key };
}

function repositoryOf(
  row: Selectable<ConnectionTables['connected_repositories']> | undefined,
): RepositoryRecord | undefined {
  if (row === undefined) return undefined;
  const { project_number, path, repository } = row;
  return { repository: JSON.parse(repository) as Repository, projectNumber: project_number, path };
}

function connectionNameOf(repository: string): string {
  return repository.split('/').slice(0, 6).join('/');
}
