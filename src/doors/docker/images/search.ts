import { DockerError } from '../errors.ts';

/** `docker search` asks an index of Docker Hub's that registries don't have. */
export async function search(): Promise<void> {
  throw new DockerError(
    501,
    'docker search is not served: only Docker Hub has an index to search in. Look at https://hub.docker.com, or list what this registry has: slipway repo list',
  );
}
