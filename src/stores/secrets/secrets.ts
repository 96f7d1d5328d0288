/**
 * Values that builds and triggers need and nobody may read: encrypted at rest with a key file of the data folder, named as
 * Secret Manager names them. The value of a version never changes; it can be disabled for a while or destroyed for good.
 *
 * The life of a version:
 *
 *   ENABLED  <-> DISABLED     for a while nobody gets the value
 *   ENABLED, DISABLED -> DESTROYED   its bytes are gone, its number stays taken
 */
export interface SecretName {
  project: string;
  /** `^[A-Za-z0-9_-]{1,255}$`. */
  secret: string;
}

export interface SecretInfo extends SecretName {
  createTime: string;
  labels: Record<string, string>;
}

export type SecretState = 'ENABLED' | 'DISABLED' | 'DESTROYED';

export interface SecretVersion extends SecretName {
  /** From 1, never used again. */
  version: number;
  state: SecretState;
  createTime: string;
  /** Only of a destroyed one. */
  destroyTime?: string | undefined;
}

/** Who had a value or changed something, and when: told by `slipway secret audit`. */
export interface SecretEvent {
  at: string;
  /** Token id, `build:<id>`, `trigger:<id>`, `owner`. */
  actor: string;
  action: 'create' | 'add' | 'access' | 'enable' | 'disable' | 'destroy' | 'delete';
  secret: string;
  version?: number | undefined;
}

/** Longest value, as Secret Manager has it. Bytes. */
export const MAX_SECRET_BYTES = 65_536;

/** For whoever needs a value. JSON goes in and out, because processes of builds ask the owner. */
export interface SecretReader {
  /**
   * @param version a number, or the newest, as Secret Manager has it: a disabled newest one is refused and no older one
   *   stands in for it
   * @param actor for the audit trail, where every access is noted before the value is given
   * @returns the value in base64
   * @throws Problem `not-found` (names the secret and what to do), `conflict` when the version is disabled or destroyed,
   *   `failed` when the key file does not open it
   */
  access(name: SecretName, version: number | 'latest', actor: string): Promise<{ version: number; payload: string }>;
}

export interface SecretStore extends SecretReader {
  /** @throws Problem `conflict` when there is one of that name, `invalid` for a bad name or label */
  create(name: SecretName, actor: string, labels?: Record<string, string>): Promise<SecretInfo>;
  get(name: SecretName): Promise<SecretInfo | undefined>;
  /** By name. */
  list(project: string): Promise<SecretInfo[]>;
  /** @param payload base64. @throws Problem `not-found`, `invalid` when it is empty or longer than MAX_SECRET_BYTES */
  addVersion(name: SecretName, payload: string, actor: string): Promise<SecretVersion>;
  /** Newest first. @throws Problem `not-found` */
  versions(name: SecretName): Promise<SecretVersion[]>;
  /** A destroyed version has lost its bytes. @throws Problem `not-found`, `conflict` for a destroyed one */
  setState(name: SecretName, version: number, state: SecretState, actor: string): Promise<SecretVersion>;
  /** With all its versions; a later secret of this name begins at 1 again. */
  remove(name: SecretName, actor: string): Promise<boolean>;
  /** Newest first, of one secret or of all of a project, deleted ones included. */
  events(project: string, secret: string | undefined, limit: number): Promise<SecretEvent[]>;
}
