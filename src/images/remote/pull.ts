import { Readable } from 'node:stream';
import { Problem } from '../../lib/problem.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../digest.ts';
import { MANIFEST_TYPES } from '../media-types.ts';
import { familiarName, formatReference, type Reference, withDefaultTag } from '../reference.ts';
import type { AccessRequest, RegistryAccess } from './access.ts';
import { type Endpoint, repositoryUrl } from './hosts.ts';
import { type RateLimit, readRateLimit } from './rate-limit.ts';
import { refusalOf } from './refusal.ts';
import { repositoryScope } from './scopes.ts';
import type { Answer } from './transport.ts';
import type { OpenAt } from './verified-blob.ts';

/** What a name means at a registry right now. */
export interface RemoteHead {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** The server that answered: the registry itself, or a mirror. */
  servedBy: string;
  rateLimit?: RateLimit | undefined;
}

export interface RemoteManifest {
  descriptor: Descriptor;
  bytes: Buffer;
  /** The registry that the reference names; blobs are asked for under the same name. */
  host: string;
  servedBy: string;
  rateLimit?: RateLimit | undefined;
}

/** Registries take 4 MiB at least (distribution-spec, Pushing Manifests); nobody writes more than that. */
const MANIFEST_LIMIT = 8 << 20;

const GENERIC_TYPES = new Set(['application/json', 'application/octet-stream', 'text/plain']);

const ACCEPT = [...MANIFEST_TYPES, '*/*;q=0.1'].join(', ');

/** What one HEAD tells; undefined where the server has no HEAD or leaves out the digest. */
export async function headManifest(
  access: RegistryAccess,
  endpoint: Endpoint,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<RemoteHead | undefined> {
  const answer = await access.send(endpoint, manifestRequest(endpoint, reference, 'HEAD', signal));
  answer.body.resume();
  const digest = answer.header('docker-content-digest') ?? '';
  const mediaType = contentType(answer);
  if (answer.status !== 200 || !isDigest(digest) || mediaType === undefined) return undefined;
  const size = Number(answer.header('content-length') ?? 0);
  return { digest, mediaType, size, servedBy: endpoint.origin, rateLimit: readRateLimit(answer) };
}

/**
 * A manifest whose bytes have the digest that was asked for. A tag is asked for by HEAD first and then fetched by that
 * digest: what is served in between the two is then the same, and Docker Hub counts one pull and not two.
 * @throws Problem with docker's texts
 */
export async function fetchManifest(
  access: RegistryAccess,
  endpoint: Endpoint,
  named: Reference,
  signal: AbortSignal | undefined,
): Promise<RemoteManifest> {
  const reference = withDefaultTag(named);
  const digest = reference.digest ?? (await headManifest(access, endpoint, reference, signal))?.digest;
  const exact = digest === undefined ? reference : { ...reference, digest };
  const { answer, bytes } = await access.read(
    endpoint,
    manifestRequest(endpoint, exact, 'GET', signal),
    MANIFEST_LIMIT,
  );
  if (answer.status !== 200)
    throw await refusalOf(answer, { endpoint, subject: familiarName(reference), action: 'pull' });
  const found = digestOf(bytes, digest === undefined ? 'sha256' : digestAlgorithm(digest));
  if (digest !== undefined && found !== digest)
    throw new Problem('invalid', `manifest verification failed for digest ${digest}: got bytes of digest ${found}`, {
      hint: `${endpoint.origin} sends something else than was asked for; a proxy on the way may rewrite it.`,
    });
  const descriptor = { mediaType: manifestType(answer, bytes), digest: found, size: bytes.length };
  const rateLimit = readRateLimit(answer);
  return { descriptor, bytes, host: reference.host, servedBy: endpoint.origin, rateLimit };
}

export function manifestRequest(
  endpoint: Endpoint,
  reference: Reference,
  method: 'GET' | 'HEAD',
  signal: AbortSignal | undefined,
): AccessRequest {
  const { repository } = reference;
  const url = repositoryUrl(endpoint, repository, `manifests/${reference.digest ?? reference.tag ?? 'latest'}`);
  return {
    method,
    url,
    headers: { accept: ACCEPT },
    scopes: repositoryScope(endpoint.prefix + repository, 'pull'),
    signal,
  };
}

export function contentType(answer: Answer): string | undefined {
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  return type === undefined || GENERIC_TYPES.has(type) ? undefined : type;
}

/** The server's word, else the manifest's own, else what OCI says of one that is silent. */
function manifestType(answer: Answer, bytes: Buffer): string {
  const said = contentType(answer);
  if (said !== undefined) return said;
  try {
    const own = (JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown; manifests?: unknown }) ?? {};
    if (typeof own.mediaType === 'string') return own.mediaType;
    const [index = '', manifest = ''] = MANIFEST_TYPES;
    return 'manifests' in own ? index : manifest;
  } catch (error) {
    throw new Problem('invalid', `${answer.url.origin} sent a manifest that is not JSON`, { cause: error });
  }
}

/** How a blob is opened at any byte, from whichever server has it; resumes may go to another one than the start. */
export function blobOpener(
  access: RegistryAccess,
  host: string,
  repository: string,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): OpenAt {
  return (offset) =>
    access.fromAny(host, async (endpoint) => {
      const url = repositoryUrl(endpoint, repository, `blobs/${descriptor.digest}`);
      const headers: Record<string, string> = { 'accept-encoding': 'identity' };
      if (offset > 0) headers['range'] = `bytes=${offset}-`;
      const scopes = repositoryScope(endpoint.prefix + repository, 'pull');
      const answer = await access.send(endpoint, { method: 'GET', url, headers, scopes, signal });
      if (answer.status === 200) return offset === 0 ? answer.body : Readable.from(without(answer.body, offset));
      if (answer.status === 206 && rangeStart(answer) === offset) return answer.body;
      const subject = formatReference({ host, repository, digest: descriptor.digest });
      if (answer.status === 404) {
        answer.body.resume();
        throw new Problem('not-found', `blob unknown: ${subject} is not in the registry`, {
          hint: 'The image there is incomplete: push it again.',
        });
      }
      throw await refusalOf(answer, { endpoint, subject, action: 'pull' });
    });
}

function rangeStart(answer: Answer): number {
  return Number(/^bytes (\d+)-/.exec(answer.header('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** For servers that don't know Range: what we have already is let pass by. */
async function* without(body: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset;
  for await (const chunk of body) {
    const rest = chunk.subarray(Math.min(left, chunk.length));
    left -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}
