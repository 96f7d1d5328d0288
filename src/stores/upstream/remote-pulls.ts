import type { Digest } from '../../images/digest.ts';
import type { Page, StoredManifest } from '../registry/registry.ts';
import { FetchAhead } from './fetch-ahead.ts';
import type { Listed, PulledBlob, PulledManifest, PullOptions } from './pull-source.ts';
import { type RemoteBlobParts, RemoteBlobs } from './remote-blobs.ts';
import type { RemoteImage } from './remote-image.ts';
import { RemoteLists } from './remote-lists.ts';
import { type RemoteManifestParts, RemoteManifests } from './remote-manifests.ts';
import type { UpstreamRest } from './upstream-rest.ts';

/** Everything that is pulled from remote repositories. */
export class RemotePulls {
  readonly #manifests: RemoteManifests;
  readonly #blobs: RemoteBlobs;
  readonly #lists: RemoteLists;
  readonly #ahead: FetchAhead;

  constructor(parts: RemoteManifestParts & RemoteBlobParts) {
    this.#manifests = new RemoteManifests(parts);
    this.#blobs = new RemoteBlobs(parts);
    this.#lists = new RemoteLists(parts.registry, this.#manifests.rest, parts.clock);
    this.#ahead = new FetchAhead(parts.content, this.#manifests, this.#blobs);
  }

  get rest(): UpstreamRest {
    return this.#manifests.rest;
  }

  async manifest(image: RemoteImage, reference: string, options: PullOptions): Promise<PulledManifest | undefined> {
    const found = await this.#manifests.pull(image, reference, options);
    if (found?.stored === true && options.head !== true) this.#ahead.begin(image, found.manifest);
    return found;
  }

  blob(image: RemoteImage, digest: Digest, options: PullOptions): Promise<PulledBlob | undefined> {
    return this.#blobs.pull(image, digest, options);
  }

  bring(image: RemoteImage, digest: Digest): Promise<boolean> {
    return this.#blobs.bring(image, digest);
  }

  tags(image: RemoteImage, page: Page): Promise<Listed<string> | undefined> {
    return this.#lists.tags(image, page);
  }

  referrers(image: RemoteImage, subject: Digest, artifactType?: string): Promise<Listed<StoredManifest>> {
    return this.#lists.referrers(image, subject, artifactType);
  }

  /** When nothing is being fetched ahead. */
  idle(): Promise<void> {
    return this.#ahead.idle();
  }

  async close(): Promise<void> {
    await Promise.all([this.#blobs.close(), this.#ahead.close()]);
  }
}
