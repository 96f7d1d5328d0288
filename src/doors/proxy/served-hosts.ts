/** Google's hosts that gcloud and gsutil have hard-coded, whatever endpoint they are given. */
const API_HOSTS = ['storage.googleapis.com', 'www.googleapis.com', 'oauth2.googleapis.com'];
/** Parent of all of Artifact Registry's hosts. */
const REGISTRY_DOMAIN = 'pkg.dev';
const REGISTRY_HOST = /^[a-z0-9-]+-docker\.pkg\.dev$/;

/** What the data folder's authority is limited to. */
export const CERTIFIED_NAMES: readonly string[] = [...API_HOSTS, REGISTRY_DOMAIN];

/**
 * The hosts that the proxy serves as itself.
 * @param isOwnRegistry whether slipway.yaml maps a host to us; what was unmapped there is refused here
 */
export function servedHosts(isOwnRegistry: (host: string) => boolean): (host: string) => boolean {
  return (host) => API_HOSTS.includes(host) || (REGISTRY_HOST.test(host) && isOwnRegistry(host));
}
