import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type RegistriesConfig, readConfig } from '../config.ts';
import { isPublicAddress } from '../images/remote/address-guard.ts';
import type { RegistryCredentials, RegistryHosts } from '../images/remote/hosts.ts';
import { log } from '../lib/log.ts';
import { hasErrorCode, messageOf } from '../lib/problem.ts';
import type { OwnNames } from '../stores/registry/name.ts';

/** The `registries` part of slipway.yaml, read again when the file has changed; a broken file leaves what was. */
export class RegistrySettings {
  readonly #file: string;
  readonly #freshMs: number;
  #settings: RegistriesConfig;
  #state: string;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param freshMs how long the file is not looked at again: requests ask several times each, thousands in a second */
  constructor(file: string, freshMs = 10) {
    this.#file = file;
    this.#freshMs = freshMs;
    this.#settings = readConfig(file).registries;
    this.#state = stateOf(file);
  }

  get current(): RegistriesConfig {
    const now = performance.now();
    if (now - this.#lookedAt < this.#freshMs) return this.#settings;
    this.#lookedAt = now;
    const state = stateOf(this.#file);
    if (state === this.#state) return this.#settings;
    this.#state = state;
    try {
      this.#settings = readConfig(this.#file).registries;
    } catch (error) {
      log.error({ error: messageOf(error) }, 'slipway.yaml has changed and is wrong; the registries stay as they were');
    }
    return this.#settings;
  }

  /** Hosts that we are: those of the file, and our own address under each of its names. */
  ownNames(listen: string): OwnNames {
    const port = listen.slice(listen.lastIndexOf(':') + 1);
    const addresses = [listen, `localhost:${port}`, `127.0.0.1:${port}`];
    const settings = () => this.current;
    return {
      get hosts() {
        return [...settings().own, ...addresses];
      },
      get defaultLocation() {
        return settings().defaultLocation;
      },
    };
  }

  /**
   * Other registries, as their client sees them.
   * @param guarded for builds: of what isn't on the internet they reach only what slipway.yaml names, since the names come
   *   from whoever may submit; the person at the keyboard reaches everything
   */
  hosts(guarded: boolean): RegistryHosts {
    const settings = () => this.current;
    return {
      ...(guarded ? { allowAddress: isPublicAddress, isNamed: (host: string) => names(settings(), host) } : {}),
      get mirrors() {
        return settings().mirrors;
      },
      get plainHttp() {
        return settings().plainHttp;
      },
      credentials: (host) => readCredentials(settings(), host),
    };
  }
}

/** Whether the owner has written this host down, as a mirror or as a registry. */
function names({ mirrors, plainHttp, credentials }: RegistriesConfig, host: string): boolean {
  if (plainHttp.includes(host) || Object.hasOwn(credentials, host)) return true;
  return Object.values(mirrors).some((urls) => urls.some((url) => new URL(url).host === host));
}

/** Compared as text; an edit within the same nanosecond and of the same length would be missed. */
function stateOf(file: string): string {
  try {
    const { mtimeNs, size, ino } = statSync(file, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return 'absent';
    throw error;
  }
}

async function readCredentials(settings: RegistriesConfig, host: string): Promise<RegistryCredentials | undefined> {
  const entry = settings.credentials[host];
  if (entry === undefined) return undefined;
  return { username: entry.username, password: (await readFile(entry.passwordFile, 'utf8')).trim() };
}
