import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex } from '../../images/digest.ts';
import type { Clock } from '../../lib/clock.ts';
import type { BucketUrl } from '../../lib/content-url.ts';
import { Problem } from '../../lib/problem.ts';
import type { BlobInfo, BlobRows, BlobSweep } from '../../stores/content/content.ts';
import type { ContentPlace, PlaceReport } from '../../stores/content/place.ts';
import { ObjectBucket } from './bucket.ts';
import { claimPrefix } from './claim.ts';
import type { BucketSettings } from './connect.ts';
import { DiscardedMarks } from './discarded-marks.ts';
import { ObjectBin } from './object-bin.ts';
import { keyOf, ObjectContent } from './object-content.ts';

export interface ObjectPlaceParts {
  place: BucketUrl;
  settings: BucketSettings;
  /** DATA/content. */
  folder: string;
  rows: BlobRows & BlobSweep;
  /** For copies on disk together. */
  cacheBytes: number;
  clock?: Clock;
  /** Bytes of the disk that stay free. */
  reserveBytes?: number;
}

/** A client that was sent to the bucket begins at once; the rest is for one that waits in its own queue. */
const LINK_SECONDS = 20 * 60;

/** A prefix of a bucket, as the owner has it. */
export class ObjectPlace implements ContentPlace {
  readonly url: string;
  readonly content: ObjectContent;
  readonly bin: ObjectBin;
  readonly #bucket: ObjectBucket;

  constructor({ place, settings, folder, rows, cacheBytes, clock, reserveBytes }: ObjectPlaceParts) {
    const time = clock === undefined ? {} : { clock };
    const bucket = new ObjectBucket(place, settings);
    this.#bucket = bucket;
    this.url = bucket.url;
    const reserve = reserveBytes === undefined ? {} : { reserveBytes };
    this.content = new ObjectContent({ bucket, folder, rows, cacheBytes, ...time, ...reserve });
    this.bin = new ObjectBin({ bucket, rows, marks: new DiscardedMarks(join(folder, 'discarded')), ...time });
  }

  /** @throws Problem `conflict` when another data folder has the prefix */
  claim(installation: string): Promise<void> {
    return claimPrefix(this.#bucket, installation);
  }

  recover(): Promise<number> {
    return this.bin.recover();
  }

  empty(before: number): Promise<number> {
    return this.bin.empty(before);
  }

  async holds({ digest, size }: BlobInfo): Promise<boolean> {
    return (await this.#bucket.head(keyOf(digest)))?.size === size;
  }

  async take({ digest, size }: BlobInfo, path: string): Promise<void> {
    const sha256 = digestAlgorithm(digest) === 'sha256' ? digestHex(digest) : undefined;
    await this.#bucket.putFile(keyOf(digest), { path, size, sha256 });
  }

  inspect(blob: BlobInfo): Promise<string | undefined> {
    return this.content.inspect(blob);
  }

  async probe(): Promise<PlaceReport> {
    const key = `probe/${randomBytes(9).toString('hex')}`;
    const started = performance.now();
    try {
      await this.#bucket.putText(key, key);
      let listed = false;
      for await (const page of this.#bucket.list('probe/')) listed ||= page.some((found) => found.key === key);
      const read = await this.#bucket.getText(key);
      await this.#bucket.delete(key);
      const ms = Math.round(performance.now() - started);
      if (listed && read === key)
        return { ok: true, detail: `${this.url}: may write, list, read and delete; the four took ${ms} ms` };
      return {
        ok: false,
        detail: `${this.url} does not ${listed ? 'give back' : 'list'} what was written to it`,
        remedy: 'Its listings and reads must show a write at once; use another server.',
      };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { ok: false, detail: error.message, ...(error.hint === undefined ? {} : { remedy: error.hint }) };
    }
  }

  link(digest: Digest): Promise<string> {
    return this.#bucket.link(keyOf(digest), LINK_SECONDS);
  }

  async close(): Promise<void> {
    await this.content.close();
    await this.#bucket.close();
  }
}
