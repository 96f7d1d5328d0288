import type { OutgoingHttpHeaders } from 'node:http';
import type { BlobInfo } from '../../stores/content/content.ts';
import { sendEmpty, sendStream } from '../http/answer.ts';
import { multipartRanges } from '../http/multipart-ranges.ts';
import { type ByteSpan, contentRange, rangesOf } from '../http/ranges.ts';
import { require } from './access.ts';
import { digestParam, type RegistryCall, targetOf } from './call.ts';
import { etagOf, holdsFor, isKnown } from './conditions.ts';
import { blobUnknown, RegistryError } from './errors.ts';

const BINARY = 'application/octet-stream';

/** GET and HEAD `/v2/<name>/blobs/<digest>`, whole, one range or several. */
export async function getBlob(call: RegistryCall): Promise<void> {
  const { name = '' } = call.params;
  const target = targetOf(call, name);
  await require(call, target, 'reader');
  const digest = digestParam(call.params['digest']);
  // whoever hears from HEAD that a blob is here won't send it: the link is renewed for the manifest to come
  const head = call.request.method === 'HEAD';
  const linked = head ? await call.store.touchBlob(target.key, digest) : await call.store.hasBlob(target.key, digest);
  const blob = linked ? await call.content.stat(digest) : undefined;
  if (blob === undefined) throw blobUnknown(digest);

  const headers = {
    'Content-Type': BINARY,
    'Docker-Content-Digest': digest,
    'Accept-Ranges': 'bytes',
    ETag: etagOf(digest),
  };
  if (isKnown(call.request, digest)) return sendEmpty(call.response, 304, headers);
  const ranges = head || !holdsFor(call.request, digest) ? 'whole' : rangesOf(call.request.headers.range, blob.size);
  if (ranges === 'unsatisfiable')
    throw new RegistryError(416, 'SIZE_INVALID', `the blob has ${blob.size} bytes`, {
      headers: { 'Content-Range': `bytes */${blob.size}` },
    });
  if (head || blob.size === 0) return sendEmpty(call.response, 200, { ...headers, 'Content-Length': blob.size });
  // the client asks there for the same range
  if (call.link !== undefined) return sendEmpty(call.response, 307, { Location: await call.link(digest) });
  await sendParts(call, blob, headers, ranges);
}

/** The whole, one part of it, or several in one body. */
async function sendParts(
  { content, response }: RegistryCall,
  { digest, size }: BlobInfo,
  headers: OutgoingHttpHeaders,
  ranges: ByteSpan[] | 'whole',
): Promise<void> {
  const [first, ...more] = ranges === 'whole' ? [] : ranges;
  if (ranges === 'whole' || first === undefined) {
    const source = await content.open(digest);
    response.writeHead(200, { ...headers, 'Content-Length': size });
    return sendStream(response, source, size);
  }
  if (more.length === 0) {
    const source = await content.open(digest, first);
    const length = first.end - first.start + 1;
    response.writeHead(206, { ...headers, 'Content-Length': length, 'Content-Range': contentRange(first, size) });
    return sendStream(response, source, length);
  }
  const parts = multipartRanges(ranges, size, BINARY, (span) => content.open(digest, span));
  response.writeHead(206, { ...headers, 'Content-Type': parts.contentType, 'Content-Length': parts.length });
  await sendStream(response, parts.body, parts.length);
}

/** DELETE: the repository lets go of the blob; its bytes go when nobody else claims them. */
export async function deleteBlob(call: RegistryCall): Promise<void> {
  const target = targetOf(call, call.params['name'] ?? '');
  await require(call, target, 'admin');
  const digest = digestParam(call.params['digest']);
  const user = await call.store.userOf(target.key, digest);
  if (user !== undefined)
    throw new RegistryError(405, 'UNSUPPORTED', `manifest ${user} needs this blob: delete that first`);
  if (!(await call.store.unlinkBlob(target.key, digest))) throw blobUnknown(digest);
  sendEmpty(call.response, 202);
}
