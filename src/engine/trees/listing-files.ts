import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestHex } from '../../images/digest.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import type { Listing, ListingStore } from './listing.ts';
import { readListing, writeListing } from './listing-text.ts';

/** Listings kept in memory; one of a big layer (20,000 paths) takes about 8 MB. */
const KEPT = 32;

/** Listings as files, the lately used ones in memory. Losing one costs a scan of its layer. */
export class ListingFiles implements ListingStore {
  readonly #folder: string;
  readonly #kept = new LatelyUsed<Digest, Listing>(KEPT);

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

  async save(diffID: Digest, listing: Listing): Promise<void> {
    this.#kept.set(diffID, listing);
    await mkdir(this.#folder, { recursive: true });
    await replaceFile(this.#path(diffID), writeListing(listing));
  }

  #path(diffID: Digest): string {
    return join(this.#folder, `${digestHex(diffID)}.json`);
  }
}
