import { STATUS_CODES } from 'node:http';
import { Problem } from '../../lib/problem.ts';
import { RegistryAccess } from './access.ts';
import type { RegistryCredentials, RegistryHosts } from './hosts.ts';

/**
 * Asks a registry whether it takes these credentials, as `docker login` does: they are used for `GET /v2/` and forgotten.
 * @throws Problem `unauthenticated` when it doesn't, in docker's words; `unavailable`, `timeout`, `cancelled`
 */
export async function verifyLogin(
  hosts: RegistryHosts,
  host: string,
  credentials: RegistryCredentials,
  signal: AbortSignal,
): Promise<void> {
  const access = new RegistryAccess({ ...hosts, credentials: async () => credentials });
  try {
    const endpoint = access.origin(host);
    const url = new URL(`${endpoint.origin}/v2/`);
    const answer = await access.send(endpoint, { method: 'GET', url, scopes: new Map(), attempts: 1, signal });
    answer.body.resume();
    if (answer.status === 200) return;
    const status = `${answer.status} ${STATUS_CODES[answer.status] ?? ''}`.trim();
    const refused = answer.status === 401 || answer.status === 403;
    throw new Problem(
      refused ? 'unauthenticated' : 'unavailable',
      `login attempt to ${url} failed with status: ${status}`,
    );
  } finally {
    access.close();
  }
}
