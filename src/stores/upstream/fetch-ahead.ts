import type { Descriptor } from '../../images/descriptor.ts';
import { type Manifest, parseManifest } from '../../images/manifest.ts';
import { parsePlatform, platformMatches } from '../../images/platform.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { ContentReader } from '../content/content.ts';
import type { StoredManifest } from '../registry/registry.ts';
import type { RemoteBlobs } from './remote-blobs.ts';
import type { RemoteImage } from './remote-image.ts';
import type { RemoteManifests } from './remote-manifests.ts';

/** Images fetched ahead at once; whoever waits for bytes comes first. */
const PARALLEL = 2;
const REMEMBERED = 10_000;

/**
 * Brings the chosen platforms of an index here after it was pulled: an index is kept whole, and without its children a pull
 * for another platform fails when upstream does. Nobody waits for it; what fails is tried again at the next pull.
 */
export class FetchAhead {
  readonly #content: ContentReader;
  readonly #manifests: RemoteManifests;
  readonly #blobs: RemoteBlobs;
  readonly #room = new Semaphore(PARALLEL);
  readonly #done = new LatelyUsed<string, true>(REMEMBERED);
  readonly #running = new Map<string, Promise<void>>();
  #ending = false;

  constructor(content: ContentReader, manifests: RemoteManifests, blobs: RemoteBlobs) {
    this.#content = content;
    this.#manifests = manifests;
    this.#blobs = blobs;
  }

  /** Begins, unless it is done or under way. */
  begin(image: RemoteImage, index: StoredManifest): void {
    const { platforms } = image.remote;
    if (platforms === undefined || platforms.length === 0 || this.#ending) return;
    const id = `${image.key}@${index.digest} ${platforms.join(' ')}`;
    if (this.#done.get(id) === true || this.#running.has(id)) return;
    const work = this.#room
      .with(() => this.#bring(image, index, platforms))
      .then(
        () => this.#done.set(id, true),
        (error: unknown) => {
          if (!this.#ending) log.warn({ error: messageOf(error) }, `${id} could not be fetched ahead`);
        },
      )
      .finally(() => this.#running.delete(id));
    this.#running.set(id, work);
  }

  /** When nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** What it waits for is ended by whoever ends the fetches. */
  async close(): Promise<void> {
    this.#ending = true;
    await this.idle();
  }

  async #bring(image: RemoteImage, index: StoredManifest, platforms: string[]): Promise<void> {
    const wanted = platforms.map(parsePlatform);
    const manifest = await this.#read(index);
    if (manifest.kind !== 'index') return;
    for (const entry of manifest.value.manifests) {
      const { platform } = entry;
      if (this.#ending) return;
      if (platform !== undefined && wanted.some((each) => platformMatches(platform, each)))
        await this.#image(image, entry);
    }
  }

  async #image(image: RemoteImage, { digest }: Descriptor): Promise<void> {
    const manifest = await this.#read(await this.#manifests.bring(image, digest));
    if (manifest.kind !== 'image') return;
    for (const blob of [manifest.value.config, ...manifest.value.layers]) {
      if (this.#ending) return;
      // layers that say where else they lie are no registry's
      if (blob.urls === undefined) await this.#blobs.bring(image, blob.digest);
    }
  }

  async #read({ digest, mediaType }: StoredManifest): Promise<Manifest> {
    return parseManifest(await this.#content.read(digest), mediaType);
  }
}
