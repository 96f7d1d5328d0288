import type { RegistryClient } from '../../images/remote/client.ts';
import { type RemoteUpstream, type Repository, repositoryPath } from '../repositories/repository.ts';
import { canonicalImage, type Upstream, upstreamOf } from './upstream.ts';
import type { UpstreamClients } from './upstream-clients.ts';

/** An image of a remote repository: where it is kept here, and where it comes from. */
export interface RemoteImage {
  /** The key that it is kept under. */
  key: string;
  /** The beginning of all keys of its repository. */
  prefix: string;
  remote: RemoteUpstream;
  upstream: Upstream;
  client: RegistryClient;
  /** Its repository upstream, without the path of the upstream's URL. */
  name: string;
  /** The same with that path, as the world names it. */
  sighted: string;
}

export function remoteImage(
  repository: Repository & { remote: RemoteUpstream },
  image: string,
  clients: UpstreamClients,
): RemoteImage {
  const { remote } = repository;
  const upstream = upstreamOf(remote);
  const name = canonicalImage(image, remote);
  const prefix = `${repositoryPath(repository)}/`;
  return {
    key: prefix + name,
    prefix,
    remote,
    upstream,
    client: clients.of(remote),
    name,
    sighted: upstream.prefix + name,
  };
}
