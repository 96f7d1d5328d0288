import type { Digest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import { isIndexType } from '../../images/media-types.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';

/** Manifests never change, so what one of them adds up to doesn't either. */
const REMEMBERED = 10_000;

/** How large images are: config and layers as they lie in the registry; of an index, its own bytes (as Artifact Registry has it). */
export class ImageSizes {
  readonly #content: ContentReader;
  readonly #known = new Map<Digest, number>();

  constructor(content: ContentReader) {
    this.#content = content;
  }

  async of(manifest: { digest: Digest; mediaType: string; size: number }): Promise<number> {
    if (isIndexType(manifest.mediaType)) return manifest.size;
    const known = this.#known.get(manifest.digest);
    if (known !== undefined) return known;
    const size = await this.#measure(manifest);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size >= REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(manifest.digest, size);
    return size;
  }

  async #measure({ digest, mediaType, size }: { digest: Digest; mediaType: string; size: number }): Promise<number> {
    try {
      const { value } = parseManifest(await this.#content.read(digest), mediaType);
      if (!('layers' in value)) return size;
      return [value.config, ...value.layers].reduce((sum, blob) => sum + blob.size, 0);
    } catch (error) {
      // a damaged manifest is doctor's to tell; a list of images is not the place to fail for it
      if (error instanceof Problem) return size;
      throw error;
    }
  }
}
