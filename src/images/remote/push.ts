import { Problem } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestOf, isDigest } from '../digest.ts';
import { parseManifest } from '../manifest.ts';
import { formatReference } from '../reference.ts';
import type { RegistryAccess } from './access.ts';
import { oneChunk } from './auth.ts';
import type { RequestBody } from './exchange.ts';
import { type Endpoint, repositoryUrl } from './hosts.ts';
import { noteReferrer, referrerDescriptor } from './note-referrer.ts';
import { type Purpose, refusalOf } from './refusal.ts';
import { joinScopes, repositoryScope, type Scopes } from './scopes.ts';
import type { Answer } from './transport.ts';

/** Where something goes: always the registry itself, never a mirror. */
export interface PushTarget {
  access: RegistryAccess;
  endpoint: Endpoint;
  repository: string;
  signal?: AbortSignal | undefined;
  /** Milliseconds before an upload that failed is begun anew. */
  retryDelay?: number | undefined;
}

const UPLOADS = 3;

/** Longest wait for a session to be dropped, which is a courtesy. Milliseconds. */
const CANCEL_LIMIT = 5_000;

function pushScope(target: PushTarget): Scopes {
  return repositoryScope(target.repository, 'pull', 'push');
}

function purpose(target: PushTarget): Purpose {
  const { endpoint, repository } = target;
  return { endpoint, subject: formatReference({ host: endpoint.host, repository }), action: 'push' };
}

/** @throws Problem `unauthenticated`, `denied`, `unavailable` */
export async function hasBlob(target: PushTarget, digest: Digest): Promise<boolean> {
  const url = repositoryUrl(target.endpoint, target.repository, `blobs/${digest}`);
  const answer = await send(target, 'HEAD', url);
  answer.body.resume();
  if (answer.status === 200) return true;
  if (answer.status === 404) return false;
  throw await refusalOf(answer, purpose(target));
}

/** Whether the registry took the blob over from another of its repositories, which moves no bytes. */
export async function mountBlob(target: PushTarget, digest: Digest, from: string): Promise<boolean> {
  const url = repositoryUrl(target.endpoint, target.repository, 'blobs/uploads/');
  url.searchParams.set('mount', digest);
  url.searchParams.set('from', from);
  const answer = await send(target, 'POST', url, { scopes: repositoryScope(from, 'pull') });
  answer.body.resume();
  // 202 is a session that we have no use for; refusals mean that the source may not be read: both end in an upload.
  if (answer.status === 202) await dropSession(target, uploadLocation(answer));
  return answer.status === 201;
}

/**
 * Sends a blob, from the start again when the connection breaks on the way.
 * @throws Problem `unavailable`, `denied`, `invalid` (other bytes than the descriptor says)
 */
export async function uploadBlob(target: PushTarget, descriptor: Descriptor, open: RequestBody['open']): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await uploadOnce(target, descriptor, { size: descriptor.size, open });
    } catch (error) {
      const passing = error instanceof Problem && (error.code === 'unavailable' || error.code === 'timeout');
      // A host that can't be reached was tried often enough by the transport.
      if (!passing || attempt >= UPLOADS || target.signal?.aborted) throw error;
      await pause((target.retryDelay ?? 1000) * 2 ** (attempt - 1), target.signal);
    }
  }
}

/** Containerd's way: POST, then the whole in one PUT. Where that isn't taken, docker's: POST, PATCH, PUT. */
async function uploadOnce(target: PushTarget, descriptor: Descriptor, body: RequestBody): Promise<void> {
  let location = await beginUpload(target);
  try {
    let answer = await send(target, 'PUT', withDigest(location, descriptor.digest), { body });
    if ([404, 405, 411, 415, 501].includes(answer.status)) {
      answer.body.resume();
      await dropSession(target, location);
      location = await beginUpload(target);
      const patched = await send(target, 'PATCH', location, { body });
      if (patched.status !== 202 && patched.status !== 204) throw await refusalOf(patched, purpose(target));
      patched.body.resume();
      location = patched.header('location') === undefined ? location : uploadLocation(patched);
      answer = await send(target, 'PUT', withDigest(location, descriptor.digest));
    }
    if (answer.status !== 201 && answer.status !== 204 && answer.status !== 200)
      throw await refusalOf(answer, purpose(target));
    answer.body.resume();
  } catch (error) {
    await dropSession(target, location);
    throw error;
  }
}

async function beginUpload(target: PushTarget): Promise<URL> {
  const answer = await send(target, 'POST', repositoryUrl(target.endpoint, target.repository, 'blobs/uploads/'));
  if (answer.status !== 202) throw await refusalOf(answer, purpose(target));
  answer.body.resume();
  return uploadLocation(answer);
}

/** Relative or absolute, with state in its query that has to be sent back. */
function uploadLocation(answer: Answer): URL {
  const location = answer.header('location') ?? '';
  if (location === '' || !URL.canParse(location, answer.url.href))
    throw new Problem('unavailable', `${answer.url.origin} began an upload, but doesn't say where (no Location)`);
  const url = new URL(location, answer.url.href);
  // A registry behind a TLS proxy often writes http; our token would then have to stay behind.
  if (url.host === answer.url.host) url.protocol = answer.url.protocol;
  return url;
}

function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location.href);
  url.searchParams.set('digest', digest);
  return url;
}

/** Registries keep begun uploads for days; dropping one is good manners, and its failure is nobody's. */
async function dropSession(target: PushTarget, location: URL): Promise<void> {
  try {
    const signal = AbortSignal.timeout(CANCEL_LIMIT);
    const scopes = pushScope(target);
    const answer = await target.access.send(target.endpoint, {
      method: 'DELETE',
      url: location,
      scopes,
      signal,
      attempts: 1,
    });
    answer.body.resume();
  } catch {
    // the session runs out by itself
  }
}

/**
 * Publishes a manifest under a tag or its digest; one that refers to another is listed among its referrers afterwards,
 * whether or not the registry does that by itself.
 * @throws Problem `invalid` with the registry's reason; when the registry says that it stored something else
 */
export async function putManifest(
  target: PushTarget,
  reference: string,
  bytes: Uint8Array,
  mediaType: string,
): Promise<Digest> {
  const url = repositoryUrl(target.endpoint, target.repository, `manifests/${reference}`);
  const body = { size: bytes.length, open: async () => oneChunk(bytes) };
  const answer = await send(target, 'PUT', url, { body, attempts: 4, headers: { 'content-type': mediaType } });
  if (answer.status !== 201 && answer.status !== 200 && answer.status !== 202)
    throw await refusalOf(answer, purpose(target));
  answer.body.resume();
  const digest = digestOf(bytes);
  const stored = answer.header('docker-content-digest');
  if (stored?.startsWith('sha256:') && stored !== digest)
    throw new Problem('unavailable', `${target.endpoint.host} stored the manifest as ${stored} and not as ${digest}`, {
      hint: 'The registry, or a proxy before it, rewrites manifests: what was pushed there is not this image.',
    });
  const manifest = parseManifest(bytes, mediaType);
  const { subject } = manifest.value;
  if (subject !== undefined && answer.header('oci-subject') === undefined) {
    const pushed = referrerDescriptor(manifest, isDigest(reference) ? reference : digest, bytes.length);
    await noteReferrer(target, subject.digest, pushed, (tag, index, type) => putManifest(target, tag, index, type));
  }
  return digest;
}

interface SendOptions {
  body?: RequestBody;
  headers?: Record<string, string>;
  attempts?: number;
  /** Besides pull and push of the target. */
  scopes?: Scopes;
}

function send(
  target: PushTarget,
  method: 'HEAD' | 'POST' | 'PUT' | 'PATCH',
  url: URL,
  options: SendOptions = {},
): Promise<Answer> {
  const { body, signal } = { body: options.body, signal: target.signal };
  const headers = options.headers ?? (body === undefined ? undefined : { 'content-type': 'application/octet-stream' });
  // What was half sent must be begun anew with its session, not repeated.
  const attempts = options.attempts ?? (body === undefined ? undefined : 1);
  const scopes = joinScopes(pushScope(target), options.scopes ?? new Map());
  return target.access.send(target.endpoint, { method, url, headers, body, scopes, signal, attempts });
}
