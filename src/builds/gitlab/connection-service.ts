import { createHash, randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { type Clock, timestamp } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import {
  type Connection,
  type ConnectionRecord,
  type ConnectionStore,
  connectionSchema,
  type Repository,
  repositorySchema,
} from '../triggers/connection.ts';
import type { TriggerPlace, TriggerStore } from '../triggers/triggers.ts';
import { patched } from '../triggers/update-trigger.ts';
import type { GitLabConnections } from './gitlab-connections.ts';

export interface ConnectionServiceDeps {
  connections: ConnectionStore;
  triggers: Pick<TriggerStore, 'ofRepository'>;
  gitlab: GitLabConnections;
  clock: Clock;
  /** Where people and GitLab reach this server. */
  publicUrl: string;
}

const ID = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const REPOSITORY_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;
const DEFAULT_HOST = 'https://gitlab.com';

/** Connections to GitLab and the projects of it that are linked: what people do with them. */
export class ConnectionService {
  readonly #deps: ConnectionServiceDeps;

  constructor(deps: ConnectionServiceDeps) {
    this.#deps = deps;
  }

  /** Its tokens are tried before it is made. @throws Problem */
  async create(place: TriggerPlace, id: string, body: unknown): Promise<Connection> {
    if (!ID.test(id))
      throw new Problem('invalid', `connectionId: ${JSON.stringify(id)}: small letters, digits and dashes, 63 at most`);
    const name = `projects/${place.project}/locations/${place.location}/connections/${id}`;
    const createTime = timestamp(this.#deps.clock.now());
    const connection = await this.#tried(place, { name, createTime }, body);
    await this.#deps.connections.create({ ...place, connection, webhookKey: randomBytes(24).toString('base64url') });
    return connection;
  }

  list({ project, location }: TriggerPlace): Promise<ConnectionRecord[]> {
    return this.#deps.connections.list(project, location === '-' ? undefined : location);
  }

  /** @throws Problem `not-found` */
  async get(place: TriggerPlace, id: string): Promise<ConnectionRecord> {
    const name = `projects/${place.project}/locations/${place.location}/connections/${id}`;
    const record = await this.#deps.connections.get(name);
    if (record !== undefined) return record;
    throw new Problem('not-found', `there is no connection ${name}`);
  }

  /** @throws Problem */
  async update(place: TriggerPlace, id: string, body: unknown, mask: string | undefined): Promise<Connection> {
    const record = await this.get(place, id);
    const { name, createTime } = record.connection;
    const connection = await this.#tried(
      place,
      { name, createTime },
      userFields(patched(record.connection, body, mask)),
    );
    await this.#deps.connections.replace({ ...record, connection });
    return connection;
  }

  /** @throws Problem `conflict` while it has repositories */
  async remove(place: TriggerPlace, id: string): Promise<void> {
    const { connection } = await this.get(place, id);
    await this.#deps.connections.remove(connection.name);
  }

  /** Links a project of GitLab: it is looked up, and made to tell us of its events. @throws Problem */
  async link(place: TriggerPlace, id: string, repositoryId: string, body: unknown): Promise<Repository> {
    const record = await this.get(place, id);
    const { connection } = record;
    if (!REPOSITORY_ID.test(repositoryId))
      throw new Problem('invalid', `repositoryId: ${JSON.stringify(repositoryId)} is no name of a repository`);
    const { remoteUri, annotations } = parsed(repositorySchema, userFields(body), 'repository');
    const path = pathBelow(connection.gitlabConfig.hostUri, remoteUri);
    const api = await this.#deps.gitlab.api(record, 'write');
    const project = await api.project(path);
    const secret = await this.#deps.gitlab.webhookSecret(record);
    const webhookId = String(await api.hook(project.id, this.#webhookUrl(record), secret));
    const now = timestamp(this.#deps.clock.now());
    const name = `${connection.name}/repositories/${repositoryId}`;
    const repository: Repository = {
      name,
      remoteUri,
      ...(annotations === undefined ? {} : { annotations }),
      webhookId,
      createTime: now,
      updateTime: now,
      etag: etagOf(name, now),
    };
    await this.#deps.connections.link({ repository, projectNumber: project.id, path: project.path });
    return repository;
  }

  async repositories(place: TriggerPlace, id: string): Promise<Repository[]> {
    const { connection } = await this.get(place, id);
    return (await this.#deps.connections.repositories(connection.name)).map(({ repository }) => repository);
  }

  /** @throws Problem `not-found` */
  async repository(place: TriggerPlace, id: string, repositoryId: string): Promise<Repository> {
    return (await this.#linked(place, id, repositoryId)).repository;
  }

  /** The hook in GitLab goes too, if GitLab can be reached. @throws Problem `conflict` while triggers wait for it */
  async unlink(place: TriggerPlace, id: string, repositoryId: string): Promise<void> {
    const { repository, projectNumber } = await this.#linked(place, id, repositoryId);
    const waiting = await this.#deps.triggers.ofRepository(repository.name);
    if (waiting.length > 0)
      throw new Problem(
        'conflict',
        `triggers wait for ${repository.name}: ${waiting.map(({ trigger }) => trigger.name).join(', ')}`,
        {
          hint: 'Delete them first: gcloud builds triggers delete.',
        },
      );
    try {
      const api = await this.#deps.gitlab.api(await this.get(place, id), 'write');
      await api.removeHook(projectNumber, repository.webhookId);
    } catch (error) {
      // what comes by that hook finds no repository
      log.warn({ repository: repository.name, error: messageOf(error) }, 'the hook in GitLab could not be removed');
    }
    await this.#deps.connections.unlink(repository.name);
  }

  async #linked(place: TriggerPlace, id: string, repositoryId: string) {
    const { connection } = await this.get(place, id);
    const found = await this.#deps.connections.repository(`${connection.name}/repositories/${repositoryId}`);
    if (found !== undefined) return found;
    throw new Problem('not-found', `no repository is linked as ${connection.name}/repositories/${repositoryId}`);
  }

  async #tried(place: TriggerPlace, own: Pick<Connection, 'name' | 'createTime'>, body: unknown): Promise<Connection> {
    const { gitlabConfig, disabled, annotations } = parsed(connectionSchema, userFields(body), 'connection');
    if (gitlabConfig === undefined)
      throw new Problem('unsupported', 'only GitLab is connected: gitlabConfig is missing', {
        hint: 'Other hosts can call a webhook trigger: gcloud builds triggers create webhook.',
      });
    if (gitlabConfig.sslCa !== undefined || gitlabConfig.serviceDirectoryConfig !== undefined)
      throw new Problem('unsupported', 'gitlabConfig.sslCa and serviceDirectoryConfig are not served', {
        hint: 'Start the server with NODE_EXTRA_CA_CERTS=/path/to/ca.pem; it reaches your network by itself.',
      });
    const config = { ...gitlabConfig, hostUri: hostOf(gitlabConfig.hostUri) };
    const updateTime = timestamp(this.#deps.clock.now());
    const connection: Connection = {
      ...own,
      gitlabConfig: config,
      ...(disabled === undefined ? {} : { disabled }),
      ...(annotations === undefined ? {} : { annotations }),
      installationState: { stage: 'COMPLETE' },
      updateTime,
      etag: etagOf(own.name, updateTime),
    };
    const record = { connection, project: place.project };
    const secret = await this.#deps.gitlab.webhookSecret(record);
    if (secret === '') throw new Problem('invalid', 'webhookSecretSecretVersion: the secret is empty');
    await (await this.#deps.gitlab.api(record, 'read')).version();
    const serverVersion = await (await this.#deps.gitlab.api(record, 'write')).version();
    return { ...connection, gitlabConfig: { ...config, serverVersion } };
  }

  #webhookUrl({ project, location, webhookKey }: ConnectionRecord): string {
    const parent = `projects/${project}/locations/${location}`;
    return `${this.#deps.publicUrl.replace(/\/+$/, '')}/v2/${parent}/connections:processWebhook?webhookKey=${webhookKey}`;
  }
}

const OUTPUTS = ['name', 'createTime', 'updateTime', 'etag', 'installationState', 'reconciling', 'webhookId'];

/** Clients send back what they were given. */
function userFields(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('invalid', 'the body is no JSON object');
  return Object.fromEntries(Object.entries(body).filter(([field]) => !OUTPUTS.includes(field)));
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Problem(
    'invalid',
    `Invalid value at '${[what, ...(issue?.path ?? [])].join('.')}': ${issue?.message ?? 'not valid'}`,
  );
}

function hostOf(text: string | undefined): string {
  const uri = text === undefined || text === '' ? DEFAULT_HOST : text.replace(/\/+$/, '');
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  const good =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (good) return uri;
  throw new Problem('invalid', `gitlabConfig.hostUri: ${JSON.stringify(text)} is no address of a GitLab`, {
    hint: 'For example https://gitlab.example.com.',
  });
}

/** `group/project` of the address that GitLab shows for cloning. */
function pathBelow(hostUri: string, remoteUri: string): string {
  const path = remoteUri.startsWith(`${hostUri}/`) ? remoteUri.slice(hostUri.length + 1).replace(/\.git$/, '') : '';
  if (/^[\w.-]+(?:\/[\w.-]+)+$/.test(path) && !path.split('/').includes('..')) return path;
  throw new Problem('invalid', `remoteUri: ${remoteUri} is no project of ${hostUri}`, {
    hint: `GitLab shows it under Code, Clone with HTTPS: ${hostUri}/GROUP/PROJECT.git`,
  });
}

function etagOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);
}
