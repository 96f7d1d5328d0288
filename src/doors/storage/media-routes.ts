import type { OutgoingHttpHeaders } from 'node:http';
import type { BucketObject } from '../../stores/buckets/buckets.ts';
import { sendEmpty, sendStream } from '../http/answer.ts';
import { contentRange, rangeOf } from '../http/ranges.ts';
import { requireObject } from './access.ts';
import { param, type StorageCall } from './call.ts';
import { etagOf } from './wire.ts';

/**
 * The bytes of an object, or a range of them: `alt=media`, the download prefix, and the plain path that gcloud polls for
 * logs. Never content-encoded: gcloud counts the bytes that it has of a log.
 */
export async function sendMedia(call: StorageCall): Promise<void> {
  const { request, response } = call;
  const object = await requireObject(call, param(call, 'bucket'), param(call, 'object'));
  const range = rangeOf(request.headers.range, object.size);
  const headers = headersOf(object);
  if (range === 'unsatisfiable')
    return sendEmpty(response, 416, { ...headers, 'Content-Range': `bytes */${object.size}` });
  const span = range === 'whole' ? { start: 0, end: object.size - 1 } : range;
  response.writeHead(range === 'whole' ? 200 : 206, {
    ...headers,
    'Content-Length': span.end - span.start + 1,
    ...(range === 'whole' ? {} : { 'Content-Range': contentRange(range, object.size) }),
  });
  if (request.method === 'HEAD' || object.size === 0) {
    response.end();
    return;
  }
  await sendStream(response, await call.buckets.open(object, range === 'whole' ? undefined : range));
}

function headersOf(object: BucketObject): OutgoingHttpHeaders {
  const hashes = [`crc32c=${object.crc32c}`, ...(object.md5 === undefined ? [] : [`md5=${object.md5}`])];
  return {
    'Content-Type': object.contentType,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'no-store', // a log grows under one name
    ETag: `"${etagOf(object)}"`,
    'Last-Modified': new Date(object.updatedAt).toUTCString(),
    'X-Goog-Generation': object.generation,
    'X-Goog-Metageneration': object.metageneration,
    'X-Goog-Hash': hashes.join(','),
    'X-Goog-Stored-Content-Length': String(object.size),
    'X-Goog-Stored-Content-Encoding': 'identity',
    // bytes that somebody uploaded are shown by a browser as they are, never run
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': 'sandbox',
  };
}
