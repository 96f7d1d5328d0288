import type { Digest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { BlobInfo } from '../content/content.ts';
import type { RegistryStore } from '../registry/registry.ts';
import { type BlobFlightParts, BlobFlights } from './blob-flights.ts';
import type { PulledBlob, PullOptions } from './pull-source.ts';
import type { RemoteImage } from './remote-image.ts';
import { goneIsUndefined } from './upstream-problem.ts';

export interface RemoteBlobParts extends BlobFlightParts {
  registry: RegistryStore;
}

/** Layers and configs of remote repositories: kept ones from the store, others while they come. */
export class RemoteBlobs {
  readonly #parts: RemoteBlobParts;
  readonly #flights: BlobFlights;

  constructor(parts: RemoteBlobParts) {
    this.#parts = parts;
    this.#flights = new BlobFlights(parts);
  }

  async pull(image: RemoteImage, digest: Digest, { head, storedOnly }: PullOptions): Promise<PulledBlob | undefined> {
    const { content } = this.#parts;
    const kept = await this.#kept(image, digest, head === true);
    if (kept !== undefined) return { info: kept, stored: true, open: (range) => content.open(digest, range) };
    if (storedOnly === true) return undefined;
    const info = await this.#upstream(image, digest);
    if (info === undefined) return undefined;
    return { info, stored: false, open: (range) => this.#flights.open(image, info, range) };
  }

  /** False when upstream has none. */
  async bring(image: RemoteImage, digest: Digest): Promise<boolean> {
    if ((await this.#kept(image, digest, true)) !== undefined) return true;
    const info = await this.#upstream(image, digest);
    if (info === undefined) return false;
    await this.#flights.bring(image, info);
    return true;
  }

  close(): Promise<void> {
    return this.#flights.close();
  }

  async #kept(image: RemoteImage, digest: Digest, touch: boolean): Promise<BlobInfo | undefined> {
    const { content, registry } = this.#parts;
    const linked = touch ? await registry.touchBlob(image.key, digest) : await registry.hasBlob(image.key, digest);
    return linked ? content.stat(digest) : undefined;
  }

  /**
   * What upstream has under the digest, without its bytes. The manifest that names it says how long it is; a client that
   * has its manifest from elsewhere makes us ask. Bytes that another image of the same repository has brought are not fetched
   * again, but upstream has to say that this image has them, too: anybody may name any digest in a manifest.
   */
  async #upstream(image: RemoteImage, digest: Digest): Promise<BlobInfo | undefined> {
    const { content, registry } = this.#parts;
    const said = await this.#sizeInManifest(image, digest);
    const siblings = (await registry.repositoriesOfBlob(digest)).filter((key) => key.startsWith(image.prefix));
    const kept = siblings.length === 0 ? undefined : await content.stat(digest);
    if (kept === undefined && said !== undefined) return { digest, size: said };
    const size = await goneIsUndefined(image, image.client.blobSize(image.upstream.host, image.name, digest));
    if (size === undefined) return undefined;
    if (kept?.size === size) await registry.linkBlob(image.key, digest, 'upstream');
    return { digest, size };
  }

  async #sizeInManifest({ key }: RemoteImage, digest: Digest): Promise<number | undefined> {
    const { content, registry } = this.#parts;
    const user = await registry.userOf(key, digest);
    if (user === undefined || (await content.stat(user)) === undefined) return undefined;
    const manifest = parseManifest(await content.read(user));
    const entries =
      manifest.kind === 'index' ? manifest.value.manifests : [manifest.value.config, ...manifest.value.layers];
    return entries.find((entry) => entry.digest === digest)?.size;
  }
}
