import type { BucketObject, PutOptions } from '../../stores/buckets/buckets.ts';
import { sendEmpty, sendJson } from '../http/answer.ts';
import { originOf } from '../http/door.ts';
import { requireBucket, requireObject } from './access.ts';
import { param, queryOf, type StorageCall } from './call.ts';
import { asPrecondition, noSuchObject, StorageError } from './errors.ts';
import { sendMedia } from './media-routes.ts';
import { readJson } from './read-json.ts';
import { composeSchema, newObjectSchema, objectChangeSchema, objectJson } from './wire.ts';

/** Cloud Storage's largest page. */
const PAGE = 1000;
/** What would change the result, if it were ignored. */
const UNKNOWN_FILTERS = ['matchGlob', 'startOffset', 'endOffset', 'filter'];

/** GET /storage/v1/b/B/o */
export async function listObjects(call: StorageCall): Promise<void> {
  const bucket = param(call, 'bucket');
  await requireBucket(call, bucket, 'reader');
  const unknown = UNKNOWN_FILTERS.find((name) => queryOf(call, name) !== undefined);
  if (unknown !== undefined) throw new StorageError(400, 'notImplemented', `Slipway doesn't filter by ${unknown}.`);
  const wanted = Number(queryOf(call, 'maxResults') ?? PAGE);
  const token = queryOf(call, 'pageToken');
  const page = await call.buckets.list(bucket, {
    prefix: queryOf(call, 'prefix'),
    delimiter: queryOf(call, 'delimiter'),
    after: token === undefined ? undefined : Buffer.from(token, 'base64url').toString('utf8'),
    limit: Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, PAGE) : PAGE,
  });
  sendJson(call.response, 200, {
    kind: 'storage#objects',
    ...(page.next === undefined ? {} : { nextPageToken: Buffer.from(page.next).toString('base64url') }),
    prefixes: page.prefixes,
    items: page.objects.map((object) => objectJson(object, originOf(call.request))),
  });
}

/** GET /storage/v1/b/B/o/O: metadata, or with alt=media the bytes. */
export async function getObject(call: StorageCall): Promise<void> {
  if (queryOf(call, 'alt') === 'media') return sendMedia(call);
  const object = await requireObject(call, param(call, 'bucket'), param(call, 'object'));
  const wanted = queryOf(call, 'ifGenerationMatch');
  if (wanted !== undefined) requireGeneration(object, wanted);
  sendObject(call, object);
}

/** PATCH /storage/v1/b/B/o/O: content type and metadata. */
export async function changeObject(call: StorageCall): Promise<void> {
  const bucket = param(call, 'bucket');
  const name = param(call, 'object');
  await requireBucket(call, bucket, 'writer');
  const change = await readJson(call, objectChangeSchema);
  const ifMetagenerationMatch = queryOf(call, 'ifMetagenerationMatch');
  const object = await asPrecondition(call.buckets.update(bucket, name, { ...change, ifMetagenerationMatch }));
  if (object === undefined) throw noSuchObject(bucket, name);
  sendObject(call, object);
}

/** DELETE /storage/v1/b/B/o/O */
export async function deleteObject(call: StorageCall): Promise<void> {
  const bucket = param(call, 'bucket');
  const name = param(call, 'object');
  await requireBucket(call, bucket, 'writer');
  const wanted = queryOf(call, 'ifGenerationMatch');
  if (!(await call.buckets.remove(bucket, name, queryOf(call, 'generation') ?? wanted))) {
    const present = wanted === undefined ? undefined : await call.buckets.stat(bucket, name);
    if (present === undefined || wanted === undefined) throw noSuchObject(bucket, name);
    requireGeneration(present, wanted);
  }
  sendEmpty(call.response, 204);
}

/**
 * POST .../o/O/rewriteTo/b/B2/o/O2. Always done in one answer: a copy moves no bytes. The checksums in the body are the
 * source's own, repeated by the client.
 */
export async function rewriteObject(call: StorageCall): Promise<void> {
  const source = await requireObject(
    call,
    param(call, 'bucket'),
    param(call, 'object'),
    queryOf(call, 'sourceGeneration'),
  );
  const object = await copyTo(call, source);
  const size = String(object.size);
  sendJson(call.response, 200, {
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: size,
    objectSize: size,
    done: true,
    resource: objectJson(object, originOf(call.request)),
  });
}

/** POST .../o/O/copyTo/b/B2/o/O2, the older form. */
export async function copyObject(call: StorageCall): Promise<void> {
  const source = await requireObject(
    call,
    param(call, 'bucket'),
    param(call, 'object'),
    queryOf(call, 'sourceGeneration'),
  );
  sendObject(call, await copyTo(call, source));
}

async function copyTo(call: StorageCall, source: BucketObject): Promise<BucketObject> {
  const bucket = param(call, 'toBucket');
  await requireBucket(call, bucket, 'writer');
  const wanted = queryOf(call, 'ifSourceGenerationMatch');
  if (wanted !== undefined) requireGeneration(source, wanted);
  const { contentType, metadata } = await readJson(call, newObjectSchema);
  const options: PutOptions = { contentType, metadata, ifGenerationMatch: queryOf(call, 'ifGenerationMatch') };
  return asPrecondition(call.buckets.copy(source, bucket, param(call, 'toObject'), options));
}

/**
 * POST .../o/O/compose. The destination's checksums in the body are not checked: gcloud sends those of the first part
 * there.
 */
export async function composeObject(call: StorageCall): Promise<void> {
  const bucket = param(call, 'bucket');
  await requireBucket(call, bucket, 'writer');
  const { destination, sourceObjects } = await readJson(call, composeSchema);
  const sources: BucketObject[] = [];
  for (const { name, generation, objectPreconditions } of sourceObjects) {
    const source = await requireObject(call, bucket, name, generation === undefined ? undefined : String(generation));
    if (objectPreconditions !== undefined) requireGeneration(source, String(objectPreconditions.ifGenerationMatch));
    sources.push(source);
  }
  const { contentType, metadata } = destination ?? {};
  const options: PutOptions = { contentType, metadata, ifGenerationMatch: queryOf(call, 'ifGenerationMatch') };
  sendObject(call, await asPrecondition(call.buckets.compose(bucket, param(call, 'object'), sources, options)));
}

function requireGeneration(object: BucketObject, wanted: string): void {
  if (object.generation === wanted) return;
  const { bucket, name, generation } = object;
  throw new StorageError(412, 'conditionNotMet', `gs://${bucket}/${name} has generation ${generation}, not ${wanted}.`);
}

function sendObject(call: StorageCall, object: BucketObject): void {
  sendJson(call.response, 200, objectJson(object, originOf(call.request)));
}
