import { posix } from 'node:path';
import type { Caller } from '../../engine/engine.ts';
import type { RegistryCredentials } from '../../images/remote/hosts.ts';
import { once } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import type { NativeContext } from '../builders/native-builder.ts';

/** Docker keeps its own registry under an address that is none of its servers. */
const HUB = 'https://index.docker.io/v1/';
const LIMIT = 1 << 20;

interface ConfigFile {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string }>;
  [other: string]: unknown;
}

/**
 * What a step is logged in as: docker's config.json in the step's own home (or $DOCKER_CONFIG), written by `docker login`
 * here or in a container before. Credential helpers are programs, and are not asked.
 */
export class StepLogins {
  readonly #context: Pick<NativeContext, 'env' | 'files' | 'cwd'>;

  constructor(context: Pick<NativeContext, 'env' | 'files' | 'cwd'>) {
    this.#context = context;
  }

  /** For calls to registries; undefined when there are no logins but those of the hosts that `isOwn` knows. */
  async credentials(isOwn: (host: string) => boolean): Promise<Caller['credentials']> {
    const { auths = {} } = await this.#read();
    const logins = new Map<string, RegistryCredentials>();
    for (const [address, login] of Object.entries(auths)) {
      const host = registryHost(address);
      const credentials = credentialsOf(login);
      if (credentials !== undefined && !isOwn(host)) logins.set(host, credentials);
    }
    return logins.size === 0 ? undefined : async (host) => logins.get(registryHost(host));
  }

  async add(host: string, { username, password }: RegistryCredentials): Promise<void> {
    const config = await this.#read();
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    await this.#write({ ...config, auths: { ...config.auths, [addressOf(host)]: { auth } } });
  }

  /** False when there was none. */
  async remove(host: string): Promise<boolean> {
    const config = await this.#read();
    const kept = Object.entries(config.auths ?? {}).filter(([address]) => registryHost(address) !== host);
    const removed = kept.length < Object.keys(config.auths ?? {}).length;
    if (removed) await this.#write({ ...config, auths: Object.fromEntries(kept) });
    return removed;
  }

  get #file(): string {
    const { env, cwd } = this.#context;
    const folder = env['DOCKER_CONFIG'] || posix.join(env['HOME'] || '/builder/home', '.docker');
    return posix.resolve(cwd, folder, 'config.json');
  }

  async #read(): Promise<ConfigFile> {
    const bytes = await this.#context.files.readSmall(this.#file, LIMIT).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'not-found') return undefined;
      throw error;
    });
    if (bytes === undefined || bytes.length === 0) return {};
    try {
      return Object(JSON.parse(bytes.toString('utf8'))) as ConfigFile;
    } catch {
      throw new Problem('invalid', `${this.#file} is no JSON`, {
        hint: 'docker logout and docker login write it anew.',
      });
    }
  }

  async #write(config: ConfigFile): Promise<void> {
    await this.#context.files.replace(this.#file, once(Buffer.from(`${JSON.stringify(config, null, '\t')}\n`)));
  }
}

/** `https://index.docker.io/v1/`, `localhost:5000`, `https://registry.lab/v2/`; empty is Docker Hub. */
export function registryHost(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** Under which docker's client keeps the login of a host. */
function addressOf(host: string): string {
  return host === 'docker.io' ? HUB : host;
}

function credentialsOf(login: NonNullable<ConfigFile['auths']>[string]): RegistryCredentials | undefined {
  const { auth, username, password, identitytoken } = Object(login) as typeof login;
  if (identitytoken) return { username: '<token>', password: identitytoken };
  if (username && password !== undefined) return { username, password };
  const pair = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
