import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { PulledBlob } from '../../stores/upstream/pull-source.ts';
import { sendEmpty, sendStream } from '../http/answer.ts';
import { multipartRanges } from '../http/multipart-ranges.ts';
import { type ByteSpan, contentRange, rangesOf } from '../http/ranges.ts';
import { require } from './access.ts';
import { digestParam, type RegistryCall, targetOf } from './call.ts';
import { etagOf, holdsFor, isKnown } from './conditions.ts';
import { blobUnknown, RegistryError } from './errors.ts';
import { pullTarget } from './pull-target.ts';

const BINARY = 'application/octet-stream';

/** GET and HEAD `/v2/<name>/blobs/<digest>`, whole, one range or several. */
export async function getBlob(call: RegistryCall): Promise<void> {
  const target = await pullTarget(call);
  const digest = digestParam(call.params['digest']);
  const head = call.request.method === 'HEAD';
  const pulled = await call.pulls.blob(target.key, digest, { head });
  if (pulled === undefined) throw blobUnknown(digest);
  const blob = pulled.info;

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
  if (call.link !== undefined && pulled.stored)
    return sendEmpty(call.response, 307, { Location: await call.link(digest) });
  await sendParts(call.response, pulled, headers, ranges);
}

/** The whole, one part of it, or several in one body. */
async function sendParts(
  response: ServerResponse,
  { info: { size }, open }: PulledBlob,
  headers: OutgoingHttpHeaders,
  ranges: ByteSpan[] | 'whole',
): Promise<void> {
  const [first, ...more] = ranges === 'whole' ? [] : ranges;
  if (ranges === 'whole' || first === undefined) {
    const source = await open();
    response.writeHead(200, { ...headers, 'Content-Length': size });
    return sendStream(response, source, size);
  }
  if (more.length === 0) {
    const source = await open(first);
    const length = first.end - first.start + 1;
    response.writeHead(206, { ...headers, 'Content-Length': length, 'Content-Range': contentRange(first, size) });
    return sendStream(response, source, length);
  }
  const parts = multipartRanges(ranges, size, BINARY, (span) => open(span));
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
