import type { RemoteUpstream } from '../repositories/repository.ts';

/** Where the images of a remote repository are asked for, and under which name the world knows them. */
export interface Upstream {
  /** As a reference names it: `docker.io`, `registry.lab:5000`. */
  host: string;
  /** Base URL of its server. */
  url: string;
  /** Path of the URL, put before each repository, with its slash; mostly empty. */
  prefix: string;
}

export function upstreamOf({ url, dockerHub }: RemoteUpstream): Upstream {
  const parsed = new URL(url);
  const path = parsed.pathname.replace(/^\/+|\/+$/g, '').replace(/^v2(\/|$)/, '');
  return { host: dockerHub ? 'docker.io' : parsed.host, url, prefix: path === '' ? '' : `${path}/` };
}

/** Docker Hub's own images have two names there, `python` and `library/python`; they are kept under the second. */
export function canonicalImage(image: string, { dockerHub }: RemoteUpstream): string {
  return dockerHub && !image.includes('/') ? `library/${image}` : image;
}
