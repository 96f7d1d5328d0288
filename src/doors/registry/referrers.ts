import type { Digest } from '../../images/digest.ts';
import { fallbackTag } from '../../images/fallback-tag.ts';
import { type Manifest, parseManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import type { StoredManifest } from '../../stores/registry/registry.ts';
import { sendBytes } from '../http/answer.ts';
import { nextLink } from '../http/links.ts';
import { digestParam, pageSize, type RegistryCall } from './call.ts';
import { pullTarget } from './pull-target.ts';
import { warningHeaders } from './warnings.ts';

/** Bytes of one answer: clients read no manifest above 4 MiB, and this has the form of one. */
const LARGEST_ANSWER = 3 << 20;

/**
 * GET `/v2/<name>/referrers/<digest>?artifactType=`: always an index, also for what was never pushed. In the order of
 * digests, in pages where one answer would be too long (`n` and `last` as for tags).
 */
export async function listReferrers(call: RegistryCall): Promise<void> {
  const target = await pullTarget(call);
  const subject = digestParam(call.params['digest']);
  const artifactType = call.query.get('artifactType') ?? undefined;
  const n = pageSize(call);
  const last = call.query.get('last') ?? '';
  const { entries: found, warnings } = await call.pulls.referrers(target.key, subject, artifactType);
  const listed = [...found, ...(await ofFallbackTag(call, target.key, subject, found, artifactType))]
    .filter(({ digest }) => digest > last)
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const page = pageOf(listed, n);
  const next = { n: call.query.get('n') ?? undefined, last: listed[page.length - 1]?.digest, artifactType };
  const body = `{"schemaVersion":2,"mediaType":"${MEDIA.ociIndex}","manifests":[${page.join(',')}]}`;
  sendBytes(call.response, 200, body, {
    'Content-Type': MEDIA.ociIndex,
    ...(artifactType === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' }),
    ...(n > 0 && page.length < listed.length ? { Link: nextLink(call.path, next) } : {}),
    ...warningHeaders(warnings),
  });
}

/** Descriptors as text, as many as fit; one at least. */
function pageOf(listed: StoredManifest[], n: number): string[] {
  const page: string[] = [];
  let room = LARGEST_ANSWER;
  for (const { mediaType, digest, size, artifactType, annotations } of listed.slice(0, n)) {
    const text = JSON.stringify({ mediaType, digest, size, artifactType, annotations });
    room -= Buffer.byteLength(text);
    if (room < 0 && page.length > 0) break;
    page.push(text);
  }
  return page;
}

/**
 * Manifests of this repository that a client has listed under the fallback tag, as clients do for registries without the
 * referrers API. Data that was copied from one of these has no other trace of what belongs together (distribution-spec,
 * "Enabling the Referrers API": such manifests must be in the answer).
 */
async function ofFallbackTag(
  call: RegistryCall,
  key: string,
  subject: Digest,
  listed: StoredManifest[],
  artifactType: string | undefined,
): Promise<StoredManifest[]> {
  const stored = await call.store.manifest(key, fallbackTag(subject));
  const bytes = stored === undefined ? undefined : await call.manifests.read(stored.digest);
  if (stored === undefined || bytes === undefined) return [];
  const manifest: Manifest = parseManifest(bytes, stored.mediaType);
  if (manifest.kind !== 'index') return [];
  const known = new Set(listed.map(({ digest }) => digest));
  const more: StoredManifest[] = [];
  for (const { digest } of manifest.value.manifests) {
    if (known.has(digest)) continue;
    known.add(digest);
    const entry = await call.store.manifest(key, digest);
    if (entry !== undefined && (artifactType === undefined || entry.artifactType === artifactType)) more.push(entry);
  }
  return more;
}
