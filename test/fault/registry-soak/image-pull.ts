import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { ACCEPT, require } from './image-push.ts';
import type { SoakServer } from './soak-server.ts';

interface Read {
  manifests?: { digest: Digest }[];
  config?: { digest: Digest };
  layers?: { digest: Digest }[];
}

/**
 * Pulls an image with everything below it, and compares each byte by its digest.
 * @param seen manifests and blobs that were pulled a moment ago and needn't be again
 * @returns its digest; undefined when the reference means nothing
 */
export async function pullImage(
  server: Pick<SoakServer, 'send'>,
  repository: string,
  reference: string,
  seen = new Set<string>(),
): Promise<Digest | undefined> {
  const path = `/v2/${repository}/manifests/${reference}`;
  const answer = require(await server.send('GET', path, { headers: { Accept: ACCEPT } }), path, 200, 404);
  if (answer.status === 404) return undefined;
  const digest = answer.headers['docker-content-digest'] as Digest;
  if (digestOf(answer.body) !== digest) throw new Error(`${path}: its bytes are not those of ${digest}`);
  const { manifests = [], config, layers = [] } = JSON.parse(answer.body.toString()) as Read;
  for (const child of manifests)
    if ((await pullImage(server, repository, child.digest, seen)) !== child.digest)
      throw new Error(`${path}: ${child.digest} of its index is missing`);
  for (const blob of config === undefined ? [] : [config, ...layers]) {
    const key = `${repository} ${blob.digest}`;
    if (seen.has(key)) continue;
    const { body } = require(await server.send('GET', `/v2/${repository}/blobs/${blob.digest}`), `${path}: blob`, 200);
    if (digestOf(body) !== blob.digest) throw new Error(`${path}: blob ${blob.digest} has other bytes`);
    seen.add(key);
  }
  return digest;
}
