import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestHex } from '../../images/digest.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import type { Listing, ListingStore } from './listing.ts';
import { BYTES_WITHIN, bytesOf, readBytes, readListing, writeListing } from './listing-text.ts';

/** Listings kept in memory; one of a big layer (20,000 paths) takes about 8 MB. */
const KEPT = 32;

/** Sizes of layers kept in memory. */
const KEPT_SIZES = 10_000;

/** Listings as files, the lately used ones in memory. Losing one costs a scan of its layer. */
export class ListingFiles implements ListingStore {
  readonly #folder: string;
  readonly #kept = new LatelyUsed<Digest, Listing>(KEPT);
  readonly #sizes = new LatelyUsed<Digest, number>(KEPT_SIZES);

  constructor(folder: string) {
    this.#folder = folder;
  }

  async find(diffID: Digest): Promise<Listing | undefined> {
    const kept = this.#kept.get(diffID);
    if (kept !== undefined) return kept;
    let text: string;
    try {
      text = await readFile(this.#path(diffID), 'utf8');
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const listing = readListing(text);
    if (listing !== undefined) this.#kept.set(diffID, listing);
    return listing;
  }

  async bytes(diffID: Digest): Promise<number | undefined> {
    const known = this.#sizes.get(diffID) ?? (await this.#readBytes(diffID));
    if (known !== undefined) this.#sizes.set(diffID, known);
    return known;
  }

  async #readBytes(diffID: Digest): Promise<number | undefined> {
    try {
      const file = await open(this.#path(diffID), 'r');
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(BYTES_WITHIN), 0, BYTES_WITHIN, 0);
        const found = readBytes(buffer.toString('latin1', 0, bytesRead));
        if (found !== undefined) return found;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const listing = await this.find(diffID);
    return listing === undefined ? undefined : bytesOf(listing);
  }

  async save(diffID: Digest, listing: Listing): Promise<void> {
    this.#kept.set(diffID, listing);
    await mkdir(this.#folder, { recursive: true });
    await replaceFile(this.#path(diffID), writeListing(listing));
  }

  #path(diffID: Digest): string {
    return join(this.#folder, `${digestHex(diffID)}.json`);
  }
}
