import type { Digest } from '../../images/digest.ts';
import type { Bucket, BucketObject, ObjectChange, ObjectFilter, ObjectPage } from './buckets.ts';

/** An object as its writer knows it; generation and dates are the rows' to give. */
export type NewObject = Omit<BucketObject, 'generation' | 'metageneration' | 'createdAt' | 'updatedAt'>;

/**
 * The rows behind the buckets. Arguments and results are plain data, because processes that don't own the data folder
 * ask through a socket; only the owner has the real ones.
 */
export interface BucketRows {
  bucket(name: string): Promise<Bucket | undefined>;
  /** Of a project, by name. */
  buckets(project: string): Promise<Bucket[]>;
  /** @throws Problem `conflict` when the name is taken */
  createBucket(bucket: Omit<Bucket, 'createdAt'>): Promise<Bucket>;
  /** @throws Problem `conflict` when it is not empty */
  removeBucket(name: string): Promise<boolean>;
  get(bucket: string, name: string): Promise<BucketObject | undefined>;
  list(bucket: string, filter: ObjectFilter): Promise<ObjectPage>;
  /**
   * Names bytes that are in the content store; the object of that name before is gone.
   * @throws Problem `not-found` (bucket), `conflict` (precondition)
   */
  put(object: NewObject, ifGenerationMatch?: string): Promise<BucketObject>;
  update(bucket: string, name: string, change: ObjectChange): Promise<BucketObject | undefined>;
  remove(bucket: string, name: string, generation?: string): Promise<boolean>;
  /** Those of these digests that an object names. */
  claimed(digests: Digest[]): Promise<Digest[]>;
  /** The same, each with one object that has these bytes. */
  holders(digests: Digest[]): Promise<{ digest: Digest; bucket: string; name: string }[]>;
}
