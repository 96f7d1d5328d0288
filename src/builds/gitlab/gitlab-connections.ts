import type { Transport } from '../../images/remote/transport.ts';
import { Problem } from '../../lib/problem.ts';
import { parseVersionName } from '../../stores/secrets/secret-names.ts';
import type { SecretReader } from '../../stores/secrets/secrets.ts';
import { projectNumber } from '../project-number.ts';
import type { ConnectedRepositories, ConnectedRepository } from '../sources/source-deps.ts';
import type { ConnectionRecord, ConnectionStore, RepositoryRecord } from '../triggers/connection.ts';
import { GitLabApi } from './gitlab-api.ts';

export interface GitLabDeps {
  connections: ConnectionStore;
  secrets: SecretReader;
  /** Obeys the address rules: hosts are what users wrote. */
  transport: Transport;
}

/** Projects of GitLab by the names that they are linked under, with the secrets that open them. */
export class GitLabConnections implements ConnectedRepositories {
  readonly #deps: GitLabDeps;

  constructor(deps: GitLabDeps) {
    this.#deps = deps;
  }

  /** @param right `write` makes hooks and statuses. @throws Problem of the secret */
  async api(record: Pick<ConnectionRecord, 'connection' | 'project'>, right: 'read' | 'write'): Promise<GitLabApi> {
    const { hostUri } = record.connection.gitlabConfig;
    return new GitLabApi(this.#deps.transport, hostUri, await this.#token(record, right));
  }

  /** What GitLab shows with its events. @throws Problem of the secret */
  async webhookSecret({ connection, project }: Pick<ConnectionRecord, 'connection' | 'project'>): Promise<string> {
    return this.secret(connection.gitlabConfig.webhookSecretSecretVersion, project, `connection:${connection.name}`);
  }

  /**
   * The value behind `projects/P/secrets/S/versions/V` of this project.
   * @throws Problem `invalid` for another project's, and those of the store
   */
  async secret(version: string, project: string, actor: string): Promise<string> {
    const name = parseVersionName(version);
    if (name.project !== project && name.project !== projectNumber(project))
      throw new Problem('invalid', `${version} is a secret of another project than ${project}`);
    const { payload } = await this.#deps.secrets.access({ project, secret: name.secret }, name.version, actor);
    return Buffer.from(payload, 'base64').toString('utf8').trim();
  }

  /** A linked repository with its connection. @throws Problem `not-found` */
  async linked(name: string): Promise<{ repository: RepositoryRecord; connection: ConnectionRecord }> {
    const repository = await this.#deps.connections.repository(name);
    const connection = await this.#deps.connections.get(name.split('/').slice(0, 6).join('/'));
    if (repository !== undefined && connection !== undefined) return { repository, connection };
    throw new Problem('not-found', `no repository is linked as ${name}`, {
      hint: 'gcloud builds repositories list --connection=C --region=L shows those that are.',
    });
  }

  async resolveRepository(project: string, name: string): Promise<ConnectedRepository | undefined> {
    const found = await this.#find(project, name);
    if (found === undefined) return undefined;
    const connection = await this.#deps.connections.get(found.repository.name.split('/').slice(0, 6).join('/'));
    if (connection?.project !== project) return undefined;
    if (connection.connection.disabled)
      throw new Problem('denied', `connection ${connection.connection.name} is disabled`);
    // GitLab takes a personal, project or group token under any user name
    return { url: found.repository.remoteUri, credentials: `oauth2:${await this.#token(connection, 'read')}` };
  }

  /** By its whole name, with the project as id or number, or by its last part alone. */
  async #find(project: string, name: string): Promise<RepositoryRecord | undefined> {
    const { connections } = this.#deps;
    const [projects, given, ...rest] = name.split('/');
    if (projects === 'projects' && rest.length > 0)
      return given === project || given === projectNumber(project)
        ? connections.repository(['projects', project, ...rest].join('/'))
        : undefined;
    for (const { connection } of await connections.list(project, undefined)) {
      const found = await connections.repository(`${connection.name}/repositories/${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #token(
    { connection, project }: Pick<ConnectionRecord, 'connection' | 'project'>,
    right: 'read' | 'write',
  ): Promise<string> {
    const { authorizerCredential, readAuthorizerCredential } = connection.gitlabConfig;
    const { userTokenSecretVersion } = right === 'write' ? authorizerCredential : readAuthorizerCredential;
    return this.secret(userTokenSecretVersion, project, `connection:${connection.name}`);
  }
}
