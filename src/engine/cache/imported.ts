import type { Descriptor } from '../../images/descriptor.ts';
import type { CacheRecord } from './cache.ts';
import type { HistoryImage } from './image-history.ts';

/** A record as somebody else wrote it; which build made it means nothing here. */
export type ForeignRecord = Omit<CacheRecord, 'build' | 'importedFrom'>;

/**
 * A cache that a build was told to look into. What it says is the word of whoever may write there, so it counts for the
 * project of the build alone, and what is local goes first.
 */
export interface ImportedCache {
  /** As the person named it. */
  name: string;
  records: readonly ForeignRecord[];
  /** An image that is known by its history. */
  image?: HistoryImage | undefined;
  /**
   * Whether a blob that a record names can be had *from there*: that the bytes lie in our store proves nothing, they may
   * be another project's.
   */
  has(blob: Descriptor, signal: AbortSignal): Promise<boolean>;
}
