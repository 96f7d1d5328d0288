import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { type Database, openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../../src/adapters/sqlite/repositories.ts';
import { sqliteUpstream } from '../../../src/adapters/sqlite/upstream.ts';
import type { Digest } from '../../../src/images/digest.ts';
import type { DataFolder } from '../../../src/lib/data-folder.ts';
import type { NewRepository } from '../../../src/stores/repositories/repositories.ts';
import type { RemoteUpstream } from '../../../src/stores/repositories/repository.ts';
import type { PullSource } from '../../../src/stores/upstream/pull-source.ts';
import { type PullParts, RepositoryPulls } from '../../../src/stores/upstream/repository-pulls.ts';
import type { UpstreamRows } from '../../../src/stores/upstream/rows.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

export const LOCATION = 'europe-central2';

/** A registry with remote and virtual repositories over a data folder of its own, whose clock stands until it is moved. */
export class RemoteHouse {
  readonly folder: DataFolder;
  readonly clock = { at: Date.UTC(2026, 8, 1), now: () => this.clock.at };
  readonly database: Database;
  readonly registry: SqliteRegistry;
  readonly content: DiskContent;
  readonly repositories: SqliteRepositories;
  readonly rows: UpstreamRows;
  pulls: RepositoryPulls;
  readonly #remove: () => Promise<void>;

  private constructor(folder: DataFolder, database: Database, remove: () => Promise<void>) {
    this.folder = folder;
    this.database = database;
    this.#remove = remove;
    this.registry = new SqliteRegistry(database, { clock: this.clock });
    this.content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database) });
    this.repositories = new SqliteRepositories(database, this.clock);
    this.rows = sqliteUpstream(database, this.clock);
    this.pulls = this.another();
  }

  static async open(): Promise<RemoteHouse> {
    const { folder, remove } = await temporaryDataFolder();
    return new RemoteHouse(folder, await openDatabase(folder.database), remove);
  }

  /** What another process, or this one after a restart, has. */
  another(more: Partial<PullParts> = {}): RepositoryPulls {
    return new RepositoryPulls({
      registry: this.registry,
      content: this.content,
      repositories: this.repositories,
      rows: this.rows,
      hosts: {},
      sharedProjects: () => [],
      transport: { retryDelay: 1 },
      clock: this.clock,
      checkMs: 300,
      ...more,
    });
  }

  /** Later by so many seconds. */
  pass(seconds: number): void {
    this.clock.at += seconds * 1000;
  }

  async remote(name: string, url: string, more: Partial<RemoteUpstream> = {}): Promise<void> {
    const remote = { url, dockerHub: false, freshSeconds: 60, byOwner: true, ...more };
    await this.create({ ...repository(name), mode: 'remote', remote });
  }

  async virtual(name: string, ...members: [name: string, priority: number][]): Promise<void> {
    const virtual = members.map(([id, priority]) => ({ id, priority, repository: repository(id) }));
    await this.create({ ...repository(name), mode: 'virtual', virtual });
  }

  async create(settings: NewRepository): Promise<void> {
    await this.repositories.create(settings, 'owner');
  }

  async close(): Promise<void> {
    await this.pulls.close();
    await this.database.destroy();
    await this.#remove();
  }
}

/** `hub`, or `project/hub`. */
function repository(name: string): { location: string; project: string; repository: string } {
  const [project = '', last] = name.split('/');
  return last === undefined
    ? { location: LOCATION, project: 'p', repository: project }
    : { location: LOCATION, project, repository: last };
}

/** The key of an image of project `p`. */
export function key(image: string): string {
  return `${LOCATION}/p/${image}`;
}

export async function bytesOf(pulls: PullSource, name: string, digest: Digest): Promise<Buffer> {
  const blob = await pulls.blob(name, digest);
  if (blob === undefined) throw new Error(`no blob ${digest}`);
  const chunks: Buffer[] = [];
  for await (const chunk of await blob.open()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
