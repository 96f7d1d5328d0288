import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { ContentReader, Roots } from '../content/content.ts';
import type { NameKeeper } from './names.ts';

/**
 * Claims whatever a local image name means: the index or manifest, its config and layers. Manifests never change, so
 * each is read once for as long as some name means it.
 */
export class NameRoots implements Roots {
  readonly name = 'local images';
  readonly #names: NameKeeper;
  readonly #content: ContentReader;
  #known = new Map<Digest, Descriptor[]>();

  constructor(names: NameKeeper, content: ContentReader) {
    this.#names = names;
    this.#content = content;
  }

  async claimed(digests: Digest[]): Promise<Digest[]> {
    const claimed = new Map<Digest, Descriptor[]>();
    const open = await this.#names.targets();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (claimed.has(next.digest)) continue;
      const children = this.#known.get(next.digest) ?? (await this.#childrenOf(next));
      claimed.set(next.digest, children);
      open.push(...children);
    }
    this.#known = claimed;
    return digests.filter((digest) => claimed.has(digest));
  }

  async #childrenOf(descriptor: Descriptor): Promise<Descriptor[]> {
    if (!/manifest|index/.test(descriptor.mediaType)) return [];
    // of an index only some platforms may be here
    if ((await this.#content.stat(descriptor.digest)) === undefined) return [];
    try {
      const manifest = parseManifest(await this.#content.read(descriptor.digest), descriptor.mediaType);
      return manifest.kind === 'index' ? manifest.value.manifests : [manifest.value.config, ...manifest.value.layers];
    } catch (error) {
      log.error({ digest: descriptor.digest, error: messageOf(error) }, 'a named manifest cannot be read');
      throw error; // unknown children must not look unclaimed
    }
  }
}
