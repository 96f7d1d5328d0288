import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';

/**
 * Layer cache: operation key -> the layer that it made. Partitioned by project. Keys never contain compressed digests
 * (encoders differ) nor times. The record keeps its inputs by name, so that a later miss can be explained by comparing
 * it with the nearest earlier record of the same Dockerfile position.
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
  durationMs: number;
  createdAt: number;
}

/** `kind` e.g. `base`, `file`, `arg`, `env`, `instruction`; `value` is a digest, never a secret's text. */
export interface CacheInput {
  kind: string;
  name: string;
  value: string;
}

export interface CacheStore {
  find(project: string, key: string): Promise<CacheRecord | undefined>;
  save(project: string, record: CacheRecord): Promise<void>;
  /** Latest record at a position. */
  latest(project: string, position: string): Promise<CacheRecord | undefined>;
}

/** One operation, one doer: across all processes of the data folder. Leases end with the process that holds them. */
export interface Flights {
  /** Resolves when this holder has the key; waits while another has it. */
  acquire(key: string, holder: string): Promise<void>;
  release(key: string, holder: string): Promise<void>;
}
