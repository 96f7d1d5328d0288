import { isIP } from 'node:net';
import type { CertifiedHosts } from './certificate-authority.ts';

/** Google's hosts that gcloud and gsutil have hard-coded, and those of the APIs that we have, for clients with no endpoint set. */
const API_HOSTS = [
  'storage.googleapis.com',
  'www.googleapis.com',
  'oauth2.googleapis.com',
  'logging.googleapis.com',
  'secretmanager.googleapis.com',
  'cloudbuild.googleapis.com',
  'artifactregistry.googleapis.com',
  'serviceusage.googleapis.com',
  'containeranalysis.googleapis.com',
];
/** Parent of all of Artifact Registry's hosts. */
const REGISTRY_DOMAIN = 'pkg.dev';
const REGISTRY_HOST = /^[a-z0-9-]+-docker\.pkg\.dev$/;

/** The names of this machine by which it is always reached, whatever it listens on. */
const LOOPBACK: CertifiedHosts = { names: ['localhost'], addresses: ['127.0.0.1', '::1'] };

/**
 * What the data folder's authority is limited to: the hosts that we stand for, and ourselves.
 * @param own host names and addresses, without port, by which clients reach us besides loopback
 */
export function certifiedHosts(own: readonly string[]): CertifiedHosts {
  const [names, addresses] = [own.filter((host) => isIP(host) === 0), own.filter((host) => isIP(host) !== 0)];
  return {
    names: [...new Set([...API_HOSTS, REGISTRY_DOMAIN, ...LOOPBACK.names, ...names])],
    addresses: [...new Set([...LOOPBACK.addresses, ...addresses])],
  };
}

/**
 * The hosts that the proxy serves as itself.
 * @param isOwnRegistry whether slipway.yaml maps a host to us; what was unmapped there is refused here
 */
export function servedHosts(isOwnRegistry: (host: string) => boolean): (host: string) => boolean {
  return (host) => API_HOSTS.includes(host) || (REGISTRY_HOST.test(host) && isOwnRegistry(host));
}
