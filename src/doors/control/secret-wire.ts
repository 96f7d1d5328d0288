import type { SecretEvent, SecretInfo, SecretName, SecretState, SecretVersion } from '../../stores/secrets/secrets.ts';

/** Secrets, for the owner of the data folder. Values are base64, and in no answer but that of `readSecret`. */
export interface SecretCalls {
  /** With a value: its first version, too. */
  createSecret: {
    request: SecretName & { labels: Record<string, string>; value?: string | undefined };
    event: never;
    result: SecretInfo & { version?: number | undefined };
  };
  secrets: { request: { project: string }; event: never; result: (SecretInfo & { versions: SecretVersion[] })[] };
  secretVersions: { request: SecretName; event: never; result: SecretVersion[] };
  addSecretVersion: { request: SecretName & { value: string }; event: never; result: SecretVersion };
  readSecret: {
    request: SecretName & { version: number | 'latest' };
    event: never;
    result: { version: number; payload: string };
  };
  setSecretState: {
    request: SecretName & { version: number; state: SecretState };
    event: never;
    result: SecretVersion;
  };
  /** False when there was none. */
  removeSecret: { request: SecretName; event: never; result: boolean };
  secretEvents: {
    request: { project: string; secret?: string | undefined; limit: number };
    event: never;
    result: SecretEvent[];
  };
}
