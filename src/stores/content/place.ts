import type { Digest } from '../../images/digest.ts';
import type { BlobBin } from './collect.ts';
import type { BlobInfo, ContentStore } from './content.ts';

/** What a look at a place found. */
export interface PlaceReport {
  ok: boolean;
  detail: string;
  remedy?: string;
}

/**
 * Where a data folder keeps its blobs for good, as the owner has it: the store that every process of the machine has, and
 * beside it what only the owner does. Rows stay in the owner's database whatever the place.
 */
export interface ContentPlace {
  /** `disk`, or the bucket with its prefix. */
  readonly url: string;
  readonly content: ContentStore;
  readonly bin: BlobBin;
  /** After a crash, before anything is answered: blobs whose removal was cut off are back. @returns how many */
  recover(): Promise<number>;
  /** The second step of removal, for what was discarded before then (milliseconds since 1970). @returns how many went */
  empty(before: number): Promise<number>;
  /** Asks whether the bytes are there, whatever the rows say. */
  holds(blob: BlobInfo): Promise<boolean>;
  /** Stores bytes that have their row already, from another place's file. */
  take(blob: BlobInfo, file: string): Promise<void>;
  /** Reads a blob's bytes where they are kept for good, and says what is wrong with them, if anything is. */
  inspect(blob: BlobInfo): Promise<string | undefined>;
  /** Whether everything that it will be asked for is allowed and answered, tried for real. */
  probe(): Promise<PlaceReport>;
  /** An address where a client may fetch a blob by itself for some minutes; undefined where there is none. */
  link?(digest: Digest): Promise<string>;
  close(): Promise<void>;
}
