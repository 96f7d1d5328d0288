import { may } from '../../auth/identity.ts';
import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import { LEASE_MS } from '../../stores/content/content.ts';
import type { UploadInfo } from '../../stores/content/uploads.ts';
import { parseRepositoryKey } from '../../stores/registry/name.ts';
import { sendEmpty } from '../http/answer.ts';
import { require } from './access.ts';
import { digestParam, locationOf, type RegistryCall, type Target, targetOf } from './call.ts';
import { asInvalid, RegistryError } from './errors.ts';
import { ReadableImages } from './readable-images.ts';
import { bodyOf, chunkOf } from './upload-body.ts';

/** POST `/v2/<name>/blobs/uploads/`: mount, the whole blob at once, or a session. */
export async function startUpload(call: RegistryCall): Promise<void> {
  const target = await writable(call);
  await call.store.checkPush(target.key);
  const mount = call.query.get('mount');
  if (mount !== null && (await mountBlob(call, target, digestParam(mount)))) return;
  const digest = call.query.get('digest');
  if (digest !== null && mount === null) return receiveWhole(call, target, digestParam(digest));
  const algorithm = call.query.get('digest-algorithm') ?? 'sha256';
  if (algorithm !== 'sha256' && algorithm !== 'sha512')
    throw new RegistryError(400, 'DIGEST_INVALID', `unknown digest algorithm ${JSON.stringify(algorithm)}`);
  const upload = await call.uploads.start(target.key, algorithm);
  sendEmpty(call.response, 202, progressHeaders(target, upload));
}

/** PATCH: the next chunk, or with neither `Content-Range` nor length a stream of any size. */
export async function appendUpload(call: RegistryCall): Promise<void> {
  const target = await writable(call);
  const upload = await find(call, target);
  const after = await append(call, target, upload);
  sendEmpty(call.response, 202, progressHeaders(target, after));
}

/** PUT `?digest=`: closes the session, with its last bytes or without any. */
export async function finishUpload(call: RegistryCall): Promise<void> {
  const target = await writable(call);
  const digest = digestParam(call.query.get('digest'));
  const upload = await find(call, target);
  await append(call, target, upload);
  await call.uploads.finish(upload.id, digest).catch(asInvalid('DIGEST_INVALID'));
  await linkAndAnswer(call, target, digest);
}

/** GET: how far the session is. */
export async function getUpload(call: RegistryCall): Promise<void> {
  const target = await writable(call);
  sendEmpty(call.response, 204, progressHeaders(target, await find(call, target)));
}

/** DELETE: the client has changed its mind, as containers/image does after a mount that became a session. */
export async function cancelUpload(call: RegistryCall): Promise<void> {
  const target = await writable(call);
  const upload = await find(call, target);
  await call.uploads.cancel(upload.id);
  sendEmpty(call.response, 204);
}

async function writable(call: RegistryCall): Promise<Target> {
  const target = targetOf(call, call.params['name'] ?? '');
  await require(call, target, 'writer');
  return target;
}

/** A session belongs to the repository that it was begun in: its id alone opens nothing. */
async function find(call: RegistryCall, target: Target): Promise<UploadInfo> {
  const upload = await call.uploads.find(call.params['upload'] ?? '');
  if (upload?.owner === target.key) return upload;
  throw new RegistryError(
    404,
    'BLOB_UPLOAD_UNKNOWN',
    'there is no such upload: it was finished, cancelled or abandoned',
  );
}

async function append(call: RegistryCall, target: Target, upload: UploadInfo): Promise<UploadInfo> {
  const chunk = chunkOf(call.request);
  if (chunk.start !== undefined && chunk.start !== upload.size)
    throw outOfOrder(target, upload, `the next byte is ${upload.size}, not ${chunk.start}`);
  if (chunk.empty) return upload;
  try {
    return await call.uploads.append(upload.id, bodyOf(call.request), { at: upload.size, size: chunk.size });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'conflict') return asInvalid('SIZE_INVALID')(error);
    throw outOfOrder(target, (await call.uploads.find(upload.id)) ?? upload, error.message);
  }
}

/** 416 with the state of the session, from which the client goes on. */
function outOfOrder(target: Target, upload: UploadInfo, message: string): RegistryError {
  return new RegistryError(416, 'BLOB_UPLOAD_INVALID', message, { headers: progressHeaders(target, upload) });
}

/** The short way: no session, one request, one pass over the bytes. */
async function receiveWhole(call: RegistryCall, target: Target, digest: Digest): Promise<void> {
  const { size } = chunkOf(call.request);
  await call.content.ingest(bodyOf(call.request), { expected: digest, size }).catch(asInvalid('DIGEST_INVALID'));
  await linkAndAnswer(call, target, digest);
}

/** Images that are looked at for a mount that names no source; who finds none there sends the blob. */
const SOURCES_LOOKED_AT = 1000;

/**
 * Links a blob that another repository has; without `from`, of any that this identity may read. False when there is
 * none: the client then gets a session, because a mount must never tell what lies in repositories it can't read.
 */
async function mountBlob(call: RegistryCall, target: Target, digest: Digest): Promise<boolean> {
  const from = call.query.get('from') ?? '';
  const holders = from === '' ? await call.store.repositoriesOfBlob(digest) : [targetOf(call, from).key];
  const own = holders.filter((key) => {
    const { project, repository, image } = parseRepositoryKey(key);
    return may(call.identity, 'reader', project, repository, image);
  });
  const readable = new ReadableImages(call);
  for (const source of [...own, ...holders.sort()].slice(0, SOURCES_LOOKED_AT)) {
    if (!(await readable.has(source)) || !(await call.store.hasBlob(source, digest))) continue;
    // held first and asked for afterwards, so that the collector can't take it before the link stands
    await call.content.hold('registry mount', [digest], LEASE_MS);
    if ((await call.content.stat(digest)) === undefined) return false;
    await linkAndAnswer(call, target, digest);
    return true;
  }
  return false;
}

async function linkAndAnswer(call: RegistryCall, target: Target, digest: Digest): Promise<void> {
  await call.store.linkBlob(target.key, digest, 'push', call.identity.name);
  sendEmpty(call.response, 201, {
    Location: locationOf(target.path, `blobs/${digest}`),
    'Docker-Content-Digest': digest,
  });
}

/** The spec has no way to say "nothing yet"; `0-0` is what every registry answers then. */
function progressHeaders(target: Target, upload: UploadInfo) {
  return {
    Location: locationOf(target.path, `blobs/uploads/${upload.id}`),
    Range: `0-${Math.max(0, upload.size - 1)}`,
    'Docker-Upload-UUID': upload.id,
  };
}
