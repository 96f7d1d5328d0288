import type { PrunedCaches } from '../../engine/mounts/prune-caches.ts';
import type { Digest } from '../../images/digest.ts';
import type { BlobInfo } from '../../stores/content/content.ts';

/** What keeps a data folder in order. */
export interface HouseCalls {
  /**
   * One round of housekeeping now. With `cache`, the layer cache is first brought below these limits: records unused for
   * so many milliseconds go, and what was used longest ago beyond so many bytes.
   * @returns blobs that nobody keeps any more, and their bytes; they moved to the trash
   */
  prune: {
    request: { cache?: { unusedForMs?: number | undefined; keepBytes?: number | undefined } | undefined };
    event: never;
    result: { blobs: number; bytes: number; records: number; cacheMounts: PrunedCaches };
  };
  /** What the next round would do with each blob, a page at a time; nothing changes. */
  explainPrune: {
    request: Record<string, never>;
    event: BlobFate[];
    result: { stays: BlobSum; goes: BlobSum };
  };
  /** A copy of everything but caches below `folder`, an absolute path of this machine, with the blobs that are not there yet. */
  backup: {
    request: {
      folder: string;
      /** So many of the newest backups stay; absent: all. */
      keep?: number | undefined;
    };
    event: BackupProgress;
    result: BackupProgress & {
      name: string;
      /** The bucket that the blobs are in, where that is not this disk: they are not copied. */
      elsewhere: string | undefined;
      /** Blobs that were missing or damaged before. */
      absent: Digest[];
      /** Older backups that went. */
      dropped: number;
    };
  };
  doctor: { request: { verify: boolean; repair: boolean }; event: DoctorLine; result: { healthy: boolean } };
}

/** What would become of a blob, and why. */
export interface BlobFate extends BlobInfo {
  goes: boolean;
  /** `image europe-central2/p/r/app`, `nobody names it`. */
  reason: string;
  /** Milliseconds since 1970: when the reason ends by itself. */
  until?: number | undefined;
}

export interface BackupProgress {
  blobs: number;
  added: number;
  addedBytes: number;
}

export interface BlobSum {
  blobs: number;
  bytes: number;
}

/** One finding of `slipway doctor`; `remedy` only where something is wrong, `ok` as it is after a repair. */
export interface DoctorLine {
  check: string;
  ok: boolean;
  detail: string;
  remedy?: string | undefined;
  /** What --repair has done about it. */
  repaired?: string | undefined;
}
