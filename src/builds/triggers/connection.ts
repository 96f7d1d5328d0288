import { z } from 'zod';

/** Connections and their repositories as Cloud Build's API v2 names them; what is stored and what the door sends. */
const text = z.string().max(4096);
const annotations = z.record(z.string(), z.string()).optional();

const credential = z.strictObject({ userTokenSecretVersion: text, username: text.optional() });

export const connectionSchema = z.strictObject({
  gitlabConfig: z
    .strictObject({
      hostUri: text.optional(),
      /** Sent by GitLab with every event, or what its events are signed with. */
      webhookSecretSecretVersion: text,
      /** A token with scope `read_api` (and `read_repository`): reads code. */
      readAuthorizerCredential: credential,
      /** A token with scope `api`: makes hooks and statuses. */
      authorizerCredential: credential,
      serverVersion: text.optional(),
      sslCa: text.optional(),
      serviceDirectoryConfig: z.unknown().optional(),
    })
    .optional(),
  disabled: z.boolean().optional(),
  annotations,
});

export const repositorySchema = z.strictObject({ remoteUri: text, annotations });

export type GitLabConfig = NonNullable<z.output<typeof connectionSchema>['gitlabConfig']> & { hostUri: string };

export interface Connection {
  /** `projects/P/locations/L/connections/C`. */
  name: string;
  gitlabConfig: GitLabConfig;
  disabled?: boolean | undefined;
  annotations?: Record<string, string> | undefined;
  installationState: { stage: 'COMPLETE' };
  createTime: string;
  updateTime: string;
  etag: string;
}

export interface Repository {
  /** `<connection>/repositories/R`. */
  name: string;
  remoteUri: string;
  annotations?: Record<string, string> | undefined;
  /** The hook in GitLab that brings us its events. */
  webhookId: string;
  createTime: string;
  updateTime: string;
  etag: string;
}

/** A connection with what is not shown of it. */
export interface ConnectionRecord {
  connection: Connection;
  project: string;
  location: string;
  /** Of the address that GitLab calls; it says which connection is meant, and proves nothing. */
  webhookKey: string;
}

export interface RepositoryRecord {
  repository: Repository;
  /** GitLab's number of the project, and its path. */
  projectNumber: number;
  path: string;
}

export interface ConnectionStore {
  /** @throws Problem `conflict` when there is one of that name */
  create(record: ConnectionRecord): Promise<void>;
  get(name: string): Promise<ConnectionRecord | undefined>;
  byWebhookKey(key: string): Promise<ConnectionRecord | undefined>;
  /** By name. */
  list(project: string, location: string | undefined): Promise<ConnectionRecord[]>;
  replace(record: ConnectionRecord): Promise<boolean>;
  /** @throws Problem `conflict` while it has repositories */
  remove(name: string): Promise<boolean>;
  /** @throws Problem `conflict` for the name, or the project of GitLab, of another one of the connection */
  link(record: RepositoryRecord): Promise<void>;
  repository(name: string): Promise<RepositoryRecord | undefined>;
  /** By name. */
  repositories(connection: string): Promise<RepositoryRecord[]>;
  unlink(name: string): Promise<boolean>;
}
