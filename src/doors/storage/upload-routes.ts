import type { z } from 'zod';
import type { BucketObject, PutOptions } from '../../stores/buckets/buckets.ts';
import type { UploadStatus } from '../../stores/buckets/resumable-uploads.ts';
import { sendEmpty, sendJson } from '../http/answer.ts';
import { originOf } from '../http/door.ts';
import { requireBucket } from './access.ts';
import { param, queryOf, type StorageCall } from './call.ts';
import { parseContentRange } from './content-range.ts';
import { asPrecondition, StorageError } from './errors.ts';
import { boundaryOf, readRelated } from './multipart.ts';
import { JSON_BYTES, parseJson, readJson } from './read-json.ts';
import { newObjectSchema, objectJson } from './wire.ts';

type NewObject = z.infer<typeof newObjectSchema>;

/** POST /upload/storage/v1/b/B/o and /resumable/upload/...: uploadType decides which of the three protocols. */
export async function startUpload(call: StorageCall): Promise<void> {
  await requireBucket(call, param(call, 'bucket'), 'writer');
  const type = queryOf(call, 'uploadType');
  if (type === 'multipart') return uploadMultipart(call);
  if (type === 'resumable') return beginResumable(call);
  if (type === 'media') return uploadMedia(call);
  throw new StorageError(400, 'invalid', `Unknown uploadType: ${type ?? '(none)'}`);
}

async function uploadMultipart(call: StorageCall): Promise<void> {
  const boundary = boundaryOf(call.request.headers['content-type']);
  const parts = await readRelated(bodyOf(call), boundary, JSON_BYTES);
  const metadata = parseJson(parts.metadata, newObjectSchema);
  const options = optionsOf(call, metadata, parts.mediaType);
  sendObject(
    call,
    await asPrecondition(call.buckets.put(param(call, 'bucket'), nameOf(call, metadata), parts.media, options)),
  );
}

async function uploadMedia(call: StorageCall): Promise<void> {
  const options = optionsOf(call, {}, call.request.headers['content-type']);
  sendObject(
    call,
    await asPrecondition(call.buckets.put(param(call, 'bucket'), nameOf(call, {}), bodyOf(call), options)),
  );
}

async function beginResumable(call: StorageCall): Promise<void> {
  const bucket = param(call, 'bucket');
  const metadata = await readJson(call, newObjectSchema);
  const { headers } = call.request;
  const type = headers['x-upload-content-type'];
  const length = headers['x-upload-content-length'];
  const id = await call.uploads.begin({
    bucket,
    name: nameOf(call, metadata),
    options: optionsOf(call, metadata, Array.isArray(type) ? type[0] : type),
    size: typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : undefined,
  });
  const query = new URLSearchParams({ uploadType: 'resumable', upload_id: id });
  sendEmpty(call.response, 200, {
    Location: `${originOf(call.request)}/upload/storage/v1/b/${bucket}/o?${query}`,
    'X-GUploader-UploadID': id,
  });
}

/**
 * PUT to a session: bytes, or the question how many have come (an empty body with a range of `*`). The session's id is the
 * credential, as at Google: it is random, goes only to who began, and ends with the upload.
 */
export async function continueUpload(call: StorageCall): Promise<void> {
  const id = queryOf(call, 'upload_id') ?? '';
  const header = call.request.headers['content-range'];
  const length = Number(call.request.headers['content-length'] ?? Number.NaN);
  const range = parseContentRange(header, Number.isNaN(length) ? undefined : length);
  if (range === undefined) throw new StorageError(400, 'invalid', `Invalid Content-Range: ${header}`);
  const present = range.start === undefined ? await call.uploads.status(id) : undefined;
  const start = range.start ?? present?.received ?? 0;
  const status = await asPrecondition(call.uploads.receive(id, { start, total: range.total, bytes: bodyOf(call) }));
  sendStatus(call, status);
}

/** DELETE of a session; 499 is Cloud Storage's word for "cancelled as you asked". */
export async function cancelUpload(call: StorageCall): Promise<void> {
  if (!(await call.uploads.cancel(queryOf(call, 'upload_id') ?? ''))) throw noSession();
  sendEmpty(call.response, 499);
}

function sendStatus(call: StorageCall, status: UploadStatus | undefined): void {
  if (status === undefined) throw noSession();
  if (status.object !== undefined) {
    sendObject(call, status.object);
    return;
  }
  const range = status.received === 0 ? {} : { Range: `bytes=0-${status.received - 1}` };
  sendEmpty(call.response, 308, { ...range, 'X-GUploader-UploadID': queryOf(call, 'upload_id') });
}

function noSession(): StorageError {
  return new StorageError(404, 'notFound', 'There is no such upload session: it has ended or expired. Begin again.');
}

/** Leaving the body in its middle must not cut the connection: the client has to read why. */
function bodyOf(call: StorageCall): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => call.request.iterator({ destroyOnReturn: false }) };
}

function nameOf(call: StorageCall, metadata: NewObject): string {
  const name = queryOf(call, 'name') ?? metadata.name;
  if (name === undefined) throw new StorageError(400, 'required', 'Required parameter: name');
  return name;
}

function optionsOf(call: StorageCall, metadata: NewObject, mediaType: string | undefined): Omit<PutOptions, 'signal'> {
  return {
    contentType: metadata.contentType ?? mediaType,
    metadata: metadata.metadata,
    ifGenerationMatch: queryOf(call, 'ifGenerationMatch'),
    expected: { crc32c: metadata.crc32c, md5: metadata.md5Hash },
  };
}

function sendObject(call: StorageCall, object: BucketObject): void {
  sendJson(call.response, 200, objectJson(object, originOf(call.request)));
}
