import type { RegistryCredentials } from '../../../images/remote/hosts.ts';
import { log } from '../../../lib/log.ts';

/**
 * The header `X-Registry-Config`: whom the client is logged in as, by registry. One that can't be read is none, as with
 * dockerd: the client would not know what is wrong with it.
 * @returns the same function for the whole build, whose logins nobody else gets; undefined when there are none
 */
export function registryConfig(header: string | string[] | undefined) {
  const logins = parsed(Array.isArray(header) ? header[0] : header);
  if (logins.size === 0) return undefined;
  return async (host: string): Promise<RegistryCredentials | undefined> => logins.get(canonicalHost(host));
}

function parsed(header: string | undefined): Map<string, RegistryCredentials> {
  const logins = new Map<string, RegistryCredentials>();
  if (header === undefined || header === '') return logins;
  try {
    // base64url, and plain base64 from clients of old
    const json: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    for (const [host, login] of Object.entries(json ?? {})) {
      const credentials = credentialsOf(Object(login) as Login);
      if (credentials !== undefined) logins.set(canonicalHost(host), credentials);
    }
  } catch {
    log.debug('docker: X-Registry-Config can not be read');
  }
  return logins;
}

/** A login as docker's clients send one. */
export interface Login {
  username?: unknown;
  password?: unknown;
  auth?: unknown;
  identitytoken?: unknown;
}

/** Undefined where it says nothing. */
export function credentialsOf({ username, password, auth, identitytoken }: Login): RegistryCredentials | undefined {
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { username: '<token>', password: identitytoken };
  if (typeof username === 'string' && username !== '' && typeof password === 'string') return { username, password };
  const pair = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8') : '';
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** Docker Hub's logins are kept under an address that is none of its servers. */
export function canonicalHost(host: string): string {
  const name = host.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return name === 'index.docker.io' || name === 'registry-1.docker.io' ? 'docker.io' : name;
}
