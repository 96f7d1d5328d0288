import type { Descriptor } from '../images/descriptor.ts';
import type { Digest } from '../images/digest.ts';
import { parseManifest } from '../images/manifest.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import type { ContentReader, Roots } from '../stores/content/content.ts';

/**
 * What local image names keep from collection: the target, the manifests of an index that are here, and every config and
 * layer that they name. Blobs that were never fetched are claimed too, which harms nobody.
 * @param targets every target and manifest that a name means (NameKeeper.targets)
 */
export function nameRoots(targets: () => Promise<Descriptor[]>, content: ContentReader): Roots {
  return {
    name: 'local images',
    async claimed(digests) {
      const reached = new Set<Digest>();
      const waiting = await targets();
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        if (reached.has(next.digest)) continue;
        reached.add(next.digest);
        const manifest = await readIfHere(next, content);
        if (manifest === undefined) continue;
        if (manifest.kind === 'index') waiting.push(...manifest.value.manifests);
        else for (const { digest } of [manifest.value.config, ...manifest.value.layers]) reached.add(digest);
      }
      return digests.filter((digest) => reached.has(digest));
    },
  };
}

async function readIfHere(descriptor: Descriptor, content: ContentReader) {
  try {
    return parseManifest(await content.read(descriptor.digest), descriptor.mediaType);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined;
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
