import { readFile } from 'node:fs/promises';
import { createRegistryClient, type RegistryClient } from '../../images/remote/client.ts';
import type { RegistryHosts } from '../../images/remote/hosts.ts';
import type { TransportOptions } from '../../images/remote/transport.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { RemoteUpstream } from '../repositories/repository.ts';
import type { UpstreamQuotas } from './rows.ts';
import { upstreamOf } from './upstream.ts';

/** What slipway.yaml says of other registries, for whoever came over HTTP: their addresses are guarded. */
export type GuardedHosts = Pick<RegistryHosts, 'allowAddress' | 'isNamed' | 'credentials'>;

/**
 * Clients that are kept: whoever may make repositories can name as many upstreams as they like. What goes beyond them is
 * forgotten, the longest unused first, and ends with what it was doing and with its idle connections.
 */
const KEPT = 200;

/** One client per upstream and account, so that tokens and connections last from one pull to the next. */
export class UpstreamClients {
  readonly #hosts: GuardedHosts;
  readonly #quotas: UpstreamQuotas;
  readonly #transport: TransportOptions;
  /** In the order of their last use. */
  readonly #clients = new Map<string, RegistryClient>();

  constructor(hosts: GuardedHosts, quotas: UpstreamQuotas, transport: TransportOptions = {}) {
    this.#hosts = hosts;
    this.#quotas = quotas;
    this.#transport = transport;
  }

  of(remote: RemoteUpstream): RegistryClient {
    const key = JSON.stringify([remote.url, remote.dockerHub, remote.username, remote.passwordFile, remote.byOwner]);
    const made = this.#clients.get(key) ?? createRegistryClient(this.#hostsOf(remote), this.#transport);
    this.#clients.delete(key);
    this.#clients.set(key, made);
    const oldest = this.#clients.keys().next().value;
    if (this.#clients.size > KEPT && oldest !== undefined) this.#clients.delete(oldest);
    return made;
  }

  #hostsOf(remote: RemoteUpstream): RegistryHosts {
    const { host } = upstreamOf(remote);
    const server = new URL(remote.url).host;
    const username = accountOf(remote);
    const { allowAddress, isNamed, credentials } = this.#hosts;
    return {
      origins: { [host]: remote.url },
      allowAddress,
      // redirects and token services elsewhere stay guarded, whoever named the registry
      isNamed: (name) => (remote.byOwner === true && name === server) || isNamed?.(name) === true,
      credentials: async (name) => {
        // a password must not go where a person wanted it who could not have read it
        if (remote.byOwner !== true) return undefined;
        const { passwordFile } = remote;
        if (username === '' || passwordFile === undefined) return credentials?.(name);
        return { username, password: await readPassword(passwordFile) };
      },
      sawRateLimit: (name, limit) => {
        this.#quotas
          .noteQuota({ ...limit, host: name, username })
          .catch((error: unknown) => log.error({ error: messageOf(error) }, `the quota of ${name} could not be noted`));
      },
    };
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

/** Who pulls is told that it can't be read, and only the log where it lies. */
async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the password for an upstream could not be read');
    throw new Problem('unavailable', "the server could not read its password for it; the server's log says why", {
      cause: error,
    });
  }
}

/** Under which quotas are counted; empty when nobody in particular pulls. */
export function accountOf({ byOwner, username }: RemoteUpstream): string {
  return byOwner === true && username !== undefined ? username : '';
}
