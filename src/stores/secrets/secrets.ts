/**
 * Values that builds and triggers need and nobody may read: encrypted at rest with a key file of the data folder, named as
 * Secret Manager names them. The value of a version never changes; it can be disabled for a while or destroyed for good.
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
}

/** Longest value, as Secret Manager has it. Bytes. */
export const MAX_SECRET_BYTES = 65_536;

/** For whoever needs a value. JSON goes in and out, because processes of builds ask the owner. */
export interface SecretReader {
  /**
   * @param version a number, or the newest that is enabled
   * @returns the value in base64
   * @throws Problem `not-found` (names the secret and what to do), `conflict` when the version is disabled or destroyed
   */
  access(name: SecretName, version: number | 'latest'): Promise<{ version: number; payload: string }>;
}

export interface SecretStore extends SecretReader {
  /** @throws Problem `conflict` when there is one of that name, `invalid` for a bad name */
  create(name: SecretName, labels?: Record<string, string>): Promise<SecretInfo>;
  get(name: SecretName): Promise<SecretInfo | undefined>;
  /** By name. */
  list(project: string): Promise<SecretInfo[]>;
  /** @param payload base64. @throws Problem `not-found`, `invalid` when it is longer than MAX_SECRET_BYTES */
  addVersion(name: SecretName, payload: string): Promise<SecretVersion>;
  /** Newest first. @throws Problem `not-found` */
  versions(name: SecretName): Promise<SecretVersion[]>;
  /** A destroyed version has lost its bytes. @throws Problem `not-found`, `conflict` for a destroyed one */
  setState(name: SecretName, version: number, state: SecretState): Promise<SecretVersion>;
  /** With all its versions. */
  remove(name: SecretName): Promise<boolean>;
}
