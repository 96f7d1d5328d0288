import { type Digest, digestAlgorithm, digestOf } from '../../images/digest.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';

/** Manifests are a few kB; those that fill the cache alone are read from disk. */
const LARGEST_CACHED = 256 * 1024;
const CACHE_BYTES = 32 << 20;

/** Manifests may be this long: distribution-spec wants 4 MiB at least, and clients refuse more. */
export const MANIFEST_LIMIT = 4 << 20;

/**
 * Bytes of the manifests that were asked for last. CI fleets ask for the same few all day long; content under a digest
 * never changes, so nothing has to be invalidated. Whether a repository has it is asked of the rows each time.
 */
export class ManifestCache {
  readonly #content: ContentReader;
  readonly #kept = new Map<Digest, Buffer>();
  #bytes = 0;

  constructor(content: ContentReader) {
    this.#content = content;
  }

  /** Undefined when the blob is gone or damaged: then the manifest counts as absent, and clients push it again. */
  async read(digest: Digest): Promise<Buffer | undefined> {
    const kept = this.#kept.get(digest);
    if (kept !== undefined) {
      this.#kept.delete(digest);
      this.#kept.set(digest, kept);
      return kept;
    }
    try {
      const bytes = await this.#content.read(digest, MANIFEST_LIMIT);
      if (digestOf(bytes, digestAlgorithm(digest)) === digest) {
        this.keep(digest, bytes);
        return bytes;
      }
      log.error({ digest }, 'the file of a manifest does not hold the bytes that its name says; it counts as absent');
      return undefined;
    } catch (error) {
      if ((error instanceof Problem && error.code === 'not-found') || hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  keep(digest: Digest, bytes: Buffer): void {
    if (bytes.length > LARGEST_CACHED || this.#kept.has(digest)) return;
    this.#kept.set(digest, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= CACHE_BYTES) break;
      this.#kept.delete(oldest);
      this.#bytes -= old.length;
    }
  }
}
