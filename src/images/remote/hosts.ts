import { Problem } from '../../lib/problem.ts';
import type { RateLimit } from './rate-limit.ts';

export interface RegistryCredentials {
  /** `<token>` says that the password is an identity token (docker's `credsStore` convention). */
  username: string;
  password: string;
}

/** Everything that depends on where this server stands; start/ makes it from slipway.yaml. */
export interface RegistryHosts {
  /**
   * Base URLs asked before a registry itself, in order: `docker.io` -> `http://127.0.0.1:5000`. A path in the URL is put
   * before the repository (`https://harbor.lab/hub` asks for `/v2/hub/library/python/...`).
   */
  mirrors?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Base URLs of registries that are not simply `https://HOST`: `docker.io` -> `https://registry-1.docker.io`; a path as for mirrors. */
  origins?: Readonly<Record<string, string>> | undefined;
  /** Hosts (with their port) that speak plain HTTP, besides loopback ones. */
  plainHttp?: readonly string[] | undefined;
  /** Asked when a registry or mirror wants to know who we are; by the host that the reference names. */
  credentials?: ((host: string) => Promise<RegistryCredentials | undefined>) | undefined;
  /**
   * Whether a connection to this address may be made for this host name, also after a redirect: names come from users,
   * and must not reach what only this machine can reach. Without it, every address may.
   */
  allowAddress?: ((address: string, host: string) => boolean) | undefined;
  /** Hosts (with their port, where they have one) that the owner named: they are spoken to wherever they are. */
  isNamed?: ((host: string) => boolean) | undefined;
  /** Told of every quota that a registry writes on an answer, refusals included; by the name that the reference has. */
  sawRateLimit?: ((host: string, limit: RateLimit) => void) | undefined;
}

/** Which addresses may be spoken to: also those that a build fetches from by itself. */
export type AddressRules = Pick<RegistryHosts, 'allowAddress' | 'isNamed'>;

/** One server that can answer for a registry. */
export interface Endpoint {
  /** `https://registry-1.docker.io`, no slash at the end. */
  origin: string;
  /** Put before every repository, with its slash; mostly empty. */
  prefix: string;
  /** The name that credentials are kept under. */
  host: string;
  /** The registry that it stands in for, where it is a mirror. */
  mirrorOf?: string | undefined;
}

/** The mirrors in their order, then the registry itself. @throws Problem `invalid` when a mirror is no http(s) URL */
export function endpointsOf(hosts: RegistryHosts, host: string): Endpoint[] {
  return [...(hosts.mirrors?.[host] ?? []).map((mirror) => mirrorEndpoint(mirror, host)), originEndpoint(hosts, host)];
}

/** The registry itself, which alone is pushed to. */
export function originEndpoint(hosts: RegistryHosts, host: string): Endpoint {
  const given = hosts.origins?.[host];
  if (given !== undefined) return { ...endpointAt(given, `registry ${host}`, ORIGIN_HINT), host };
  // Docker Hub's name is no server, and never was one.
  const server = host === 'docker.io' || host === 'index.docker.io' ? 'registry-1.docker.io' : host;
  const plain = isLoopback(server) || hosts.plainHttp?.includes(host) === true;
  return { origin: `${plain ? 'http' : 'https'}://${server}`, prefix: '', host };
}

const ORIGIN_HINT = 'Write the upstream of the repository as http://HOST:PORT or https://HOST/PREFIX.';

function mirrorEndpoint(text: string, mirrorOf: string): Endpoint {
  const hint = 'Write it as http://HOST:PORT or https://HOST/PREFIX under registries.mirrors in slipway.yaml.';
  return { ...endpointAt(text, `mirror of ${mirrorOf}`, hint), mirrorOf };
}

function endpointAt(text: string, what: string, hint: string): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Problem('invalid', `${what}: ${JSON.stringify(text)} is no http or https address`, { hint });
  const path = url.pathname.replace(/^\/+|\/+$/g, '').replace(/^v2(\/|$)/, '');
  return { origin: url.origin, prefix: path === '' ? '' : `${path}/`, host: url.host };
}

/** Whether `host[:port]` is this machine by its name alone: docker, too, speaks plain HTTP to these. */
export function isLoopback(host: string): boolean {
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** The URL of something in a repository: `rest` is `manifests/latest`, `blobs/uploads/` ... */
export function repositoryUrl(endpoint: Endpoint, repository: string, rest: string): URL {
  const url = new URL(`${endpoint.origin}/v2/${endpoint.prefix}${repository}/${rest}`);
  // Containerd's way to tell a mirror of many registries which one is meant.
  if (endpoint.mirrorOf !== undefined) url.searchParams.set('ns', endpoint.mirrorOf);
  return url;
}
