import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';

/**
 * Layer cache: operation key -> the layer that it made. Partitioned by project. Keys never contain compressed digests
 * (encoders differ) nor times. The record keeps its inputs by name, so that a later miss can be explained by comparing
 * it with the nearest earlier record.
 */
export interface CacheRecord {
  key: string;
  /** Absent when the operation changed no file. */
  layer?: Layer | undefined;
  /** Digest of the changes with times left out: equal results keep what follows cached. */
  contentDigest?: Digest | undefined;
  /** Where it stood: `<dockerfile path>#<stage>#<n>`, for the explanation. */
  position: string;
  text: string;
  inputs: CacheInput[];
  /** Build that made it. */
  build: string;
  /** Name of the cache or image that it came from; absent when it was made here. */
  importedFrom?: string | undefined;
  durationMs: number;
  createdAt: number;
}

/**
 * Something that decided the result. `value` is a digest and is what is compared; `shown` is for people, and is left out
 * where the value may be secret (see inputs.ts). Kinds: `instruction`, `parent`, `base`, `source`, `file`, `arg`, `env`,
 * `option`, `mount`, and `private` for what must not leave the project.
 */
export interface CacheInput {
  kind: string;
  name: string;
  value: string;
  shown?: string | undefined;
}

/** A record as a lookup gives it: without its inputs, which may be thousands and which only a miss reads. */
export interface CacheHit extends Omit<CacheRecord, 'inputs'> {
  /** The layer's bytes lie here, or there is no layer. */
  here: boolean;
}

export interface CacheStore {
  /** Also notes the use: what was found is kept for three quarters of an hour at least, whatever the cache's limits are. */
  find(project: string, key: string): Promise<CacheHit | undefined>;
  /** Those of these that there are, as `find` gives each. */
  findAll(project: string, keys: readonly string[]): Promise<CacheHit[]>;
  save(project: string, record: CacheRecord): Promise<void>;
  /**
   * The record that a miss is compared with. Without a text the latest at a position; with one the latest of: this place
   * and text, this text elsewhere in the Dockerfile (something was inserted above), this place, this text in the project.
   */
  latest(project: string, position: string, text?: string): Promise<CacheRecord | undefined>;
  /**
   * Forgets a project's records that nobody used since; those of the last hour stay, because a running build may rely on
   * them. Layers go with the next collection. @param unusedSince milliseconds since 1970
   */
  forget(project: string, unusedSince: number): Promise<CacheForgotten>;
  /** The layers that a project's records name, those that were used last first. */
  layers(project: string): Promise<CachedLayer[]>;
}

export interface CachedLayer {
  blob: Digest;
  size: number;
  /** The instruction that made it, or one of them. */
  text: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  usedAt: number;
}

export interface CacheForgotten {
  /** Keys of records. */
  keys: string[];
  /** Of layers that no record of any project names any more. */
  bytes: number;
}

/** What may go; a record that was used within the last hour stays, because a running build may rely on it. */
export interface CacheLimits {
  /** Milliseconds since 1970: records that nobody has used since then go. */
  unusedSince?: number | undefined;
  /** Bytes of layers: what was used longest ago goes first. */
  maxBytes?: number | undefined;
}

/** One operation, one doer: across all processes of the data folder. Leases end with the process that holds them. */
export interface Flights {
  /** Resolves when this holder has the key; waits while another has it. */
  acquire(key: string, holder: string): Promise<void>;
  release(key: string, holder: string): Promise<void>;
}
