import { sendEmpty, sendStream } from '../http/answer.ts';
import { contentRange, rangeOf } from '../http/ranges.ts';
import { require } from './access.ts';
import { digestParam, type RegistryCall, targetOf } from './call.ts';
import { blobUnknown, RegistryError } from './errors.ts';

/** GET and HEAD `/v2/<name>/blobs/<digest>`, whole or one range. */
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
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    'Accept-Ranges': 'bytes',
    ETag: `"${digest}"`,
  };
  const range = head ? 'whole' : rangeOf(call.request.headers.range, blob.size);
  if (range === 'unsatisfiable')
    throw new RegistryError(416, 'SIZE_INVALID', `the blob has ${blob.size} bytes`, {
      headers: { 'Content-Range': `bytes */${blob.size}` },
    });
  if (head || blob.size === 0) return sendEmpty(call.response, 200, { ...headers, 'Content-Length': blob.size });
  const source = await call.content.open(digest, range === 'whole' ? undefined : range);
  if (range === 'whole') call.response.writeHead(200, { ...headers, 'Content-Length': blob.size });
  else
    call.response.writeHead(206, {
      ...headers,
      'Content-Length': range.end - range.start + 1,
      'Content-Range': contentRange(range, blob.size),
    });
  await sendStream(call.response, source);
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
