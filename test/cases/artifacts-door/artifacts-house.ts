import type { FastifyInstance } from 'fastify';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import { SqliteRepositories } from '../../../src/adapters/sqlite/repositories.ts';
import { parseGrantScope } from '../../../src/auth/grant-scope.ts';
import type { Identity, Role } from '../../../src/auth/identity.ts';
import { artifactsServer } from '../../../src/doors/artifacts/server.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import type { RepositoryId } from '../../../src/stores/repositories/repository.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

export const LOCATION = 'eu';

export interface ArtifactsAnswer {
  status: number;
  json: Record<string, unknown> & { error?: { code: number; status: string; message: string } };
}

/** The door of Artifact Registry over a data folder of its own. A token is its grants: `admin of shop/live, reader of base`. */
export class ArtifactsHouse {
  readonly registry: SqliteRegistry;
  readonly repositories: SqliteRepositories;
  readonly content: DiskContent;
  /** Projects shared with all others. */
  shared: string[] = [];
  readonly #server: FastifyInstance;
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<ArtifactsHouse, 'registry' | 'repositories' | 'content'>,
    server: FastifyInstance,
    close: () => Promise<void>,
  ) {
    this.registry = parts.registry;
    this.repositories = parts.repositories;
    this.content = parts.content;
    this.#server = server;
    this.#close = close;
  }

  static async open(): Promise<ArtifactsHouse> {
    const { folder, remove } = await temporaryDataFolder();
    const database = await openDatabase(folder.database);
    const registry = new SqliteRegistry(database);
    const repositories = new SqliteRepositories(database);
    const content = new DiskContent({ folder: folder.content, rows: sqliteBlobRows(database) });
    const server = await artifactsServer({
      repositories,
      registry,
      content,
      defaultLocation: () => LOCATION,
      sharedProjects: () => house.shared,
      requireToken: true,
      authenticator: { verify: async (secret) => identityOf(secret) },
    });
    const house: ArtifactsHouse = new ArtifactsHouse({ registry, repositories, content }, server, async () => {
      await server.close();
      await database.destroy();
      await remove();
    });
    return house;
  }

  /** @param path below `/v1/projects/`; a text as `body` is sent as it is */
  async ask(
    who: string,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<ArtifactsAnswer> {
    const answer = await this.#server.inject({
      method,
      url: `/v1/projects/${path}`,
      headers: {
        ...(who === '' ? {} : { authorization: `Bearer ${encodeURIComponent(who)}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: answer.statusCode, json: answer.json() };
  }

  /** An image without layers under a tag. @param image `shop/live/api` */
  async push(image: string, tag: string): Promise<Digest> {
    const config = Buffer.from(image);
    const blob = { mediaType: MEDIA.ociConfig, digest: digestOf(config), size: config.length };
    const manifest = { schemaVersion: 2, mediaType: MEDIA.ociManifest, config: blob, layers: [], annotations: { tag } };
    await this.content.put(config);
    const { digest, size } = await this.content.put(Buffer.from(JSON.stringify(manifest)));
    const put = { digest, size, mediaType: MEDIA.ociManifest, blobs: [blob.digest], children: [], link: [blob.digest] };
    await this.registry.putManifest(`${LOCATION}/${image}`, { ...put, tags: [tag], actor: 'test' });
    return digest;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** `shop/live` */
export function repositoryId(path: string): RepositoryId {
  const [project = '', repository = ''] = path.split('/');
  return { location: LOCATION, project, repository };
}

export function below(project: string, rest = ''): string {
  return `${project}/locations/${LOCATION}/repositories${rest}`;
}

function identityOf(secret: string): Identity {
  const grants = decodeURIComponent(secret)
    .split(', ')
    .map((text) => {
      const [role = '', scope = ''] = text.split(' of ');
      return { role: role as Role, ...parseGrantScope(scope) };
    });
  return { kind: 'token', name: 'test', grants };
}
