import { versionName } from '../../stores/secrets/secret-names.ts';
import type { SecretInfo, SecretName, SecretState, SecretVersion } from '../../stores/secrets/secrets.ts';

/** The JSON of Secret Manager's API (v1). 64-bit numbers are decimal strings. */
export interface WireSecret {
  /** `projects/P/secrets/S`. */
  name: string;
  replication: { automatic: Record<string, never> };
  createTime: string;
  labels?: Record<string, string>;
}

export interface WireVersion {
  /** `projects/P/secrets/S/versions/V`. */
  name: string;
  createTime: string;
  destroyTime?: string | undefined;
  state: SecretState;
  /** It came with a checksum, and that was right. */
  clientSpecifiedPayloadChecksum?: true;
}

export interface WireAccess {
  name: string;
  payload: { data: string; dataCrc32c: string };
}

/** Left out where there is nothing, as Google leaves out empty lists. */
export interface WirePage {
  totalSize?: number;
  nextPageToken?: string;
}

export function secretPath({ project, secret }: SecretName): string {
  return `projects/${project}/secrets/${secret}`;
}

export function wireSecret(info: SecretInfo): WireSecret {
  return {
    name: secretPath(info),
    replication: { automatic: {} },
    createTime: info.createTime,
    ...(Object.keys(info.labels).length === 0 ? {} : { labels: info.labels }),
  };
}

export function wireVersion(version: SecretVersion): WireVersion {
  const { createTime, destroyTime, state } = version;
  return {
    name: versionName(version, version.version),
    createTime,
    state,
    ...(destroyTime === undefined ? {} : { destroyTime }),
  };
}
