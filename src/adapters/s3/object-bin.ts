import type { Digest } from '../../images/digest.ts';
import { isDigest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { BlobBin } from '../../stores/content/collect.ts';
import type { BlobInfo, BlobSweep } from '../../stores/content/content.ts';
import type { ObjectBucket } from './bucket.ts';
import type { DiscardedMarks } from './discarded-marks.ts';
import { keyOf } from './object-content.ts';

const PREFIX = 'blobs/';
/** Strays lie for a day before they are looked at, so a bucket is listed no oftener: a million objects are a thousand requests. */
const LISTED_MS = 24 * 60 * 60 * 1000;
/** Of deletions in one transaction, which is short: only small files change in it. */
const DELETED_AT_ONCE = 32;
const REQUESTS_AT_ONCE = 8;

export interface ObjectBinParts {
  bucket: ObjectBucket;
  rows: BlobSweep;
  marks: DiscardedMarks;
  clock?: Clock;
}

/** Objects on their way out. The owner alone has it. */
export class ObjectBin implements BlobBin {
  readonly #bucket: ObjectBucket;
  readonly #rows: BlobSweep;
  readonly #marks: DiscardedMarks;
  readonly #clock: Clock;
  #listed: number | undefined;

  constructor({ bucket, rows, marks, clock = systemClock }: ObjectBinParts) {
    this.#bucket = bucket;
    this.#rows = rows;
    this.#marks = marks;
    this.#clock = clock;
  }

  async discard(digest: Digest, now: number): Promise<void> {
    await this.#marks.add(digest, now);
  }

  async restore(digest: Digest): Promise<boolean> {
    return this.#marks.remove(digest);
  }

  async *stored(before: number): AsyncGenerator<BlobInfo[]> {
    for await (const page of this.#bucket.list(PREFIX)) {
      const blobs: BlobInfo[] = [];
      for (const { key, size, modifiedAt } of page) {
        const digest = digestOfKey(key);
        if (digest !== undefined && modifiedAt < before && !(await this.#marks.has(digest)))
          blobs.push({ digest, size });
      }
      if (blobs.length > 0) yield blobs;
    }
  }

  async *settled(before: number): AsyncGenerator<BlobInfo[]> {
    const now = this.#clock.now();
    if (this.#listed !== undefined && now - this.#listed < LISTED_MS) return;
    yield* this.stored(before);
    this.#listed = now;
    await this.#bucket
      .dropUnfinished(before)
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'unfinished uploads could not be listed'));
  }

  /** Objects whose row a crash has kept are no longer on their way out. @returns how many */
  async recover(): Promise<number> {
    const marked = (await this.#marks.list()).filter((mark) => !mark.deleting).map((mark) => mark.digest);
    let restored = 0;
    for (const digest of await this.#rows.present(marked)) if (await this.#marks.remove(digest)) restored++;
    return restored;
  }

  /**
   * Deletes what was discarded before then. A mark alone is no right to delete: in one transaction, everything that has a row
   * or a lease is left out and the rest is marked as going, which keeps whoever stores the same bytes waiting.
   */
  async empty(before: number): Promise<number> {
    const marks = await this.#marks.list();
    const going = marks.filter((mark) => mark.deleting).map((mark) => mark.digest); // of a deletion that was cut off
    const old = marks.filter((mark) => !mark.deleting && mark.at < before).map((mark) => mark.digest);
    for (let start = 0; start < old.length; start += DELETED_AT_ONCE) {
      const page = old.slice(start, start + DELETED_AT_ONCE);
      const present = new Set(await this.#rows.present(page));
      for (const digest of present) await this.#marks.remove(digest);
      const gone = page.filter((digest) => !present.has(digest));
      going.push(...(await this.#rows.remove(gone, this.#clock.now(), (digest) => this.#marks.startDeleting(digest))));
    }
    const room = new Semaphore(REQUESTS_AT_ONCE);
    await Promise.all(
      going.map((digest) =>
        room.with(async () => {
          await this.#bucket.delete(keyOf(digest));
          await this.#marks.deleted(digest);
        }),
      ),
    );
    return going.length;
  }
}

function digestOfKey(key: string): Digest | undefined {
  const digest = key.slice(PREFIX.length).replace('/', ':');
  return isDigest(digest) ? digest : undefined;
}
