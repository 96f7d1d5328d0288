import { z } from 'zod';
import { timestamp } from '../../lib/clock.ts';
import type { Bucket, BucketObject } from '../../stores/buckets/buckets.ts';

/** Cloud Storage's JSON names (API v1, "Buckets", "Objects"); 64-bit numbers are strings. */
export interface BucketJson {
  kind: 'storage#bucket';
  id: string;
  name: string;
  selfLink: string;
  location: string;
  locationType: string;
  storageClass: string;
  metageneration: string;
  etag: string;
  timeCreated: string;
  updated: string;
  iamConfiguration: { uniformBucketLevelAccess: { enabled: boolean } };
}

export interface ObjectJson {
  kind: 'storage#object';
  id: string;
  name: string;
  bucket: string;
  selfLink: string;
  mediaLink: string;
  generation: string;
  metageneration: string;
  contentType: string;
  storageClass: string;
  size: string;
  md5Hash?: string;
  crc32c: string;
  etag: string;
  timeCreated: string;
  updated: string;
  timeStorageClassUpdated: string;
  metadata?: Record<string, string>;
}

export function bucketJson(bucket: Bucket, origin: string): BucketJson {
  const created = timestamp(bucket.createdAt);
  return {
    kind: 'storage#bucket',
    id: bucket.name, // gcloud looks for this in the list to know that the bucket is the project's own
    name: bucket.name,
    selfLink: `${origin}/storage/v1/b/${bucket.name}`,
    location: bucket.location.toUpperCase(),
    locationType: 'region',
    storageClass: 'STANDARD',
    metageneration: '1',
    etag: 'CAE=',
    timeCreated: created,
    updated: created,
    // no access lists per object: rights are the project's
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
  };
}

/** Clients download from `mediaLink`, so the name in it is encoded as one segment. */
export function objectJson(object: BucketObject, origin: string): ObjectJson {
  const path = `storage/v1/b/${object.bucket}/o/${encodeURIComponent(object.name)}`;
  return {
    kind: 'storage#object',
    id: `${object.bucket}/${object.name}/${object.generation}`,
    name: object.name,
    bucket: object.bucket,
    selfLink: `${origin}/${path}`,
    mediaLink: `${origin}/download/${path}?generation=${object.generation}&alt=media`,
    generation: object.generation,
    metageneration: object.metageneration,
    contentType: object.contentType,
    storageClass: 'STANDARD',
    size: String(object.size),
    ...(object.md5 === undefined ? {} : { md5Hash: object.md5 }),
    crc32c: object.crc32c,
    etag: etagOf(object),
    timeCreated: timestamp(object.createdAt),
    updated: timestamp(object.updatedAt),
    timeStorageClassUpdated: timestamp(object.createdAt),
    ...(object.metadata === undefined ? {} : { metadata: object.metadata }),
  };
}

/** Another one for every generation and metageneration; for a growing log, for every size. */
export function etagOf(object: BucketObject): string {
  return Buffer.from(`${object.generation}.${object.metageneration}.${object.size}`).toString('base64url');
}

const metadataSchema = z.record(z.string().max(1024), z.string().max(8192));

/** Of an upload, a copy or a composition: what we keep of it. Everything else that clients send is ignored. */
export const newObjectSchema = z.object({
  name: z.string().optional(),
  contentType: z.string().optional(),
  metadata: metadataSchema.optional(),
  crc32c: z.string().optional(),
  md5Hash: z.string().optional(),
});

export const objectChangeSchema = z.object({
  contentType: z.string().optional(),
  metadata: z.record(z.string().max(1024), z.string().max(8192).nullable()).nullable().optional(),
});

export const newBucketSchema = z.object({ name: z.string(), location: z.string().optional() });

export const composeSchema = z.object({
  destination: newObjectSchema.optional(),
  sourceObjects: z
    .array(
      z.object({
        name: z.string(),
        generation: z.union([z.string(), z.number()]).optional(),
        objectPreconditions: z.object({ ifGenerationMatch: z.union([z.string(), z.number()]) }).optional(),
      }),
    )
    .min(1)
    .max(32),
});
