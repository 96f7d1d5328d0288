import { Problem } from '../../lib/problem.ts';
import { retry } from '../../lib/retry.ts';
import { type Digest, isDigest } from '../digest.ts';
import { familiarName, type Reference } from '../reference.ts';
import type { RegistryAccess } from './access.ts';
import { type Endpoint, repositoryUrl } from './hosts.ts';
import { contentType, fetchManifest, manifestRequest } from './pull.ts';
import { refusalOf } from './refusal.ts';
import { repositoryScope } from './scopes.ts';
import { isBrokenConnection } from './transport.ts';

/** What a registry says of a name by HEAD alone, which costs no quota. */
export type RemoteCheck =
  | { kind: 'found'; digest: Digest; mediaType: string /** Bytes. */; size: number }
  /** 404: it was never there, or is there no longer. */
  | { kind: 'absent' }
  /** This registry has no HEAD, or names no digest in its answer. */
  | { kind: 'silent' };

/** Statuses of servers that don't know the method. */
const NO_HEAD = new Set([400, 405, 501]);

/**
 * One question.
 * @param attempts 1 for whoever holds a copy, and serves that while a registry is busy; 4 unless told
 * @throws Problem `exhausted` (429), `unavailable`, `denied`, `unauthenticated`, `timeout`, `cancelled`
 */
export async function checkManifest(
  access: RegistryAccess,
  endpoint: Endpoint,
  reference: Reference,
  signal: AbortSignal | undefined,
  attempts: number | undefined,
): Promise<RemoteCheck> {
  const request = { ...manifestRequest(endpoint, reference, 'HEAD', signal), attempts };
  // a connection that was kept and has been closed meanwhile says nothing of the registry
  const answer = await retry(() => access.send(endpoint, request), {
    attempts: 2,
    delay: 0,
    retryable: isBroken,
    signal,
  });
  if (answer.status === 404) {
    answer.body.resume();
    return { kind: 'absent' };
  }
  if (answer.status !== 200 && !NO_HEAD.has(answer.status))
    throw await refusalOf(answer, { endpoint, subject: familiarName(reference), action: 'pull' });
  answer.body.resume();
  const digest = answer.header('docker-content-digest') ?? '';
  const mediaType = contentType(answer);
  const size = Number(answer.header('content-length'));
  if (answer.status !== 200 || !isDigest(digest) || mediaType === undefined || !(size > 0)) return { kind: 'silent' };
  return { kind: 'found', digest, mediaType, size };
}

function isBroken(error: unknown): boolean {
  return error instanceof Problem && isBrokenConnection(error.cause);
}

/**
 * What a registry itself has under a tag or digest, by HEAD, or by its bytes where HEAD doesn't tell.
 * @throws as `checkManifest`, and `not-found`
 */
export async function publishedDigest(
  access: RegistryAccess,
  endpoint: Endpoint,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const found = await checkManifest(access, endpoint, reference, signal, undefined);
  if (found.kind === 'found') return found.digest;
  return (await fetchManifest(access, endpoint, reference, signal)).descriptor.digest;
}

/** Whether there is such a tag. @throws as `checkManifest` */
export async function hasTag(
  access: RegistryAccess,
  endpoint: Endpoint,
  reference: Reference,
  signal: AbortSignal | undefined,
  attempts: number | undefined,
): Promise<boolean> {
  const found = await checkManifest(access, endpoint, reference, signal, attempts);
  if (found.kind !== 'silent') return found.kind === 'found';
  try {
    await fetchManifest(access, endpoint, reference, signal);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return false;
    throw error;
  }
}

/** @throws as `checkManifest`, but for 404 */
export async function blobSize(
  access: RegistryAccess,
  endpoint: Endpoint,
  repository: string,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const answer = await access.send(endpoint, {
    method: 'HEAD',
    url: repositoryUrl(endpoint, repository, `blobs/${digest}`),
    headers: { 'accept-encoding': 'identity' },
    scopes: repositoryScope(endpoint.prefix + repository, 'pull'),
    signal,
  });
  if (answer.status === 200 || answer.status === 404 || NO_HEAD.has(answer.status)) {
    answer.body.resume();
    const length = answer.header('content-length');
    return answer.status === 200 && length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
  }
  throw await refusalOf(answer, { endpoint, subject: `${endpoint.host}/${repository}@${digest}`, action: 'pull' });
}
