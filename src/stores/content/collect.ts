import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { BlobInfo, BlobSweep, Claim, LeasedBlob, Roots } from './content.ts';

/** The files behind the rows, as the collector needs them. */
export interface BlobBin {
  /** Moves a blob's file into the trash; nothing happens when there is none. */
  discard(digest: Digest, now: number): Promise<void>;
  /** Moves it back, if it lies in the trash and is not there already. */
  restore(digest: Digest): Promise<boolean>;
  /** Blobs' files that have been as they are since before then (milliseconds since 1970), a folder at a time. */
  stored(before: number): AsyncIterable<BlobInfo[]>;
  /** As `stored`, for housekeeping: at times there is none, where listing is dear. */
  settled(before: number): AsyncIterable<BlobInfo[]>;
}

/** What the next round of housekeeping would do with a blob, and why. */
export interface BlobVerdict extends LeasedBlob {
  goes: boolean;
  /** Those that are over are among them, until housekeeping has dropped them. */
  claims: Claim[];
  /** Whether it is a file that no row knows. */
  stray: boolean;
}

export interface CollectReport {
  /** Blobs that moved to the trash. */
  blobs: number;
  bytes: number;
  /** Files that no row knew, left by a crash long ago; they moved to the trash as well. */
  strays: number;
}

export interface CollectorParts {
  rows: BlobSweep;
  bin: BlobBin;
  roots: Roots[];
  clock?: Clock;
}

/** Rows and Roots are asked about this many at once. */
const PAGE = 500;
/** Files move inside a transaction, which keeps everybody else's rows waiting: 32 renames take about a millisecond. */
const REMOVED_AT_ONCE = 32;
/** A file gets its row within a second of its name; a day leaves room for a stopped machine. */
const STRAY_MS = 24 * 60 * 60 * 1000;

/**
 * Collection: whatever no Root claims and no lease holds moves to the trash. It runs beside pushes and pulls. What makes
 * that safe is the order on either side: a claimant holds first, asks whether the blob is there, and then claims; the
 * collector asks the Roots first, and then removes in one transaction only what still has no lease.
 */
export class Collector {
  readonly #rows: BlobSweep;
  readonly #bin: BlobBin;
  readonly #roots: Roots[];
  readonly #clock: Clock;

  constructor(parts: CollectorParts) {
    this.#rows = parts.rows;
    this.#bin = parts.bin;
    this.#roots = parts.roots;
    this.#clock = parts.clock ?? systemClock;
  }

  /** The dry run: every blob with what keeps it, a page at a time; nothing changes. */
  async *explain(): AsyncGenerator<BlobVerdict[]> {
    for await (const page of this.#pages()) {
      const claims = await this.#reasons(page.map((blob) => blob.digest));
      yield page.map((blob) => {
        const found = claims.get(blob.digest) ?? [];
        return { ...blob, claims: found, goes: this.#goes(blob, found), stray: false };
      });
    }
    for await (const files of this.#bin.stored(this.#clock.now() - STRAY_MS)) {
      const known = new Set(await this.#rows.present(files.map((file) => file.digest)));
      const strays = files.filter((file) => !known.has(file.digest));
      yield strays.map((file) => ({ ...file, claims: [], goes: true, stray: true }));
    }
  }

  #goes({ leasedUntil }: LeasedBlob, claims: Claim[]): boolean {
    const now = this.#clock.now();
    return leasedUntil === undefined && claims.every(({ until }) => until !== undefined && until < now);
  }

  /** @param signal ends it between two pages; what has moved stays moved */
  async collect(signal?: AbortSignal): Promise<CollectReport> {
    const report: CollectReport = { blobs: 0, bytes: 0, strays: 0 };
    for await (const page of this.#pages()) {
      if (signal?.aborted) return report;
      const sizes = new Map(
        page.filter((blob) => blob.leasedUntil === undefined).map((blob) => [blob.digest, blob.size]),
      );
      const claims = await this.#claims([...sizes.keys()]);
      for (const digest of await this.#remove([...sizes.keys()].filter((digest) => !claims.has(digest)))) {
        report.blobs++;
        report.bytes += sizes.get(digest) ?? 0;
      }
    }
    for await (const files of this.#bin.settled(this.#clock.now() - STRAY_MS)) {
      if (signal?.aborted) return report;
      const digests = files.map((file) => file.digest);
      const known = new Set(await this.#rows.present(digests));
      report.strays += (await this.#remove(digests.filter((digest) => !known.has(digest)))).length;
    }
    return report;
  }

  async *#pages(): AsyncGenerator<LeasedBlob[]> {
    let after: Digest | undefined;
    do {
      const page = await this.#rows.page(this.#clock.now(), after, PAGE);
      after = page.at(-1)?.digest;
      if (page.length > 0) yield page;
    } while (after !== undefined);
  }

  async #claims(digests: Digest[]): Promise<Set<Digest>> {
    const claims = new Set<Digest>();
    if (digests.length === 0) return claims;
    for (const root of this.#roots) for (const digest of await root.claimed(digests)) claims.add(digest);
    return claims;
  }

  async #reasons(digests: Digest[]): Promise<Map<Digest, Claim[]>> {
    const claims = new Map<Digest, Claim[]>();
    for (const root of this.#roots) {
      const bare = async () => (await root.claimed(digests)).map((digest) => ({ digest, by: root.name }));
      for (const claim of await (root.explain?.(digests) ?? bare()))
        claims.set(claim.digest, [...(claims.get(claim.digest) ?? []), claim]);
    }
    return claims;
  }

  async #remove(digests: Digest[]): Promise<Digest[]> {
    const gone: Digest[] = [];
    for (let start = 0; start < digests.length; start += REMOVED_AT_ONCE)
      gone.push(...(await this.#removeAtOnce(digests.slice(start, start + REMOVED_AT_ONCE))));
    return gone;
  }

  async #removeAtOnce(digests: Digest[]): Promise<Digest[]> {
    const now = this.#clock.now();
    const moved: Digest[] = [];
    try {
      return await this.#rows.remove(digests, now, async (digest) => {
        moved.push(digest);
        await this.#bin.discard(digest, now);
      });
    } catch (error) {
      for (const digest of moved) await this.#bin.restore(digest); // the rows have stayed
      throw error;
    }
  }
}
