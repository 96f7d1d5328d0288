import type { Digest } from '../../images/digest.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { HeldImage, NameStore } from '../../stores/names/names.ts';
import type { ResolvedImage } from '../engine.ts';
import { type ImageBlobs, storeImage, storeImages } from '../image-blobs.ts';
import { throwFirst } from '../transfer/fetch.ts';

/**
 * The images of a classic build's instructions. They are written while the build goes on, and the scope has them when it ends,
 * well or badly: what a failed build did last is what a person wants to look into.
 */
export class StepImages {
  readonly #content: ContentStore;
  readonly #names: Pick<NameStore, 'hold' | 'heldIds'>;
  readonly #scope: string;
  readonly #now: number;
  readonly #images: HeldImage[] = [];
  readonly #writing: Promise<void>[] = [];
  /** Of images that the scope had, so that the bytes are most likely there: looked for together. */
  readonly #had: ImageBlobs[] = [];
  #known: ReadonlySet<Digest> = new Set();
  #anew = false;

  constructor(room: { content: ContentStore; names: Pick<NameStore, 'hold' | 'heldIds'> }, scope: string, now: number) {
    this.#content = room.content;
    this.#names = room.names;
    this.#scope = scope;
    this.#now = now;
  }

  /**
   * Looks which images the scope has, so that a step can be told from one that was done before.
   * @param anew everything is done again, whatever was done before
   */
  async look(anew: boolean): Promise<void> {
    this.#anew = anew;
    this.#known = new Set(await this.#names.heldIds(this.#scope));
  }

  /** Whether the scope had the image when it was looked; never without a look. */
  had(id: Digest): boolean {
    return this.#known.has(id);
  }

  /** Whether the instruction that gives this image needn't be done. */
  wasDone(id: Digest): boolean {
    return !this.#anew && this.had(id);
  }

  /** @returns the id of the image */
  add(blobs: ImageBlobs, parent: Digest | undefined): Digest {
    const { config, manifest } = blobs;
    const { digest: id } = config.descriptor;
    const { descriptor } = manifest;
    // the date keeps the order of steps where all of them are of one millisecond
    const at = this.#now + this.#images.length;
    this.#images.push({
      ...{ id, target: descriptor, manifest: descriptor, at, kind: 'step' },
      // an instruction may leave everything as it was
      ...(parent === undefined || parent === id ? {} : { parent }),
    });
    if (this.had(id)) this.#had.push(blobs);
    else {
      const written = storeImage(blobs, this.#content);
      written.catch(() => undefined); // met at the end
      this.#writing.push(written);
    }
    return id;
  }

  /** What FROM names: the first step is made of it, and no list shows it. */
  addBase({ configDigest: id, target, manifest }: ResolvedImage): void {
    this.#images.push({ id, target, manifest, at: this.#now, kind: 'layer' });
  }

  /** Begins to write what the scope had most likely; the others are on their way since they were added. */
  write(): void {
    const had = this.#had.splice(0);
    if (had.length === 0) return;
    const written = storeImages(had, this.#content);
    written.catch(() => undefined); // met at the end
    this.#writing.push(written);
  }

  /** All of them, when they are on disk: for whoever takes them in together with what they led to. */
  async written(): Promise<readonly HeldImage[]> {
    this.write();
    throwFirst(await Promise.allSettled(this.#writing));
    return this.#images;
  }

  /** Those of a build that failed, whose error says more than one of ours. */
  async keep(): Promise<void> {
    try {
      const images = await this.written();
      if (images.length > 0) await this.#names.hold(this.#scope, images);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the images of the steps of a failed build were not kept');
    }
  }
}
