import { MEDIA } from '../../images/media-types.ts';
import { googleLocation, localPath, parseRepositoryKey } from '../../stores/registry/name.ts';
import type { StoredManifest } from '../../stores/registry/registry.ts';
import { sendJson } from '../http/answer.ts';
import { nextLink } from '../http/links.ts';
import { mayRead, require, unauthorized } from './access.ts';
import { digestParam, type RegistryCall, targetOf } from './call.ts';
import { nameUnknown, RegistryError } from './errors.ts';

/** Entries of one answer when the client names no number, and the most that it gets: about 1 MB of JSON. */
const LARGEST_PAGE = 10_000;

/** GET `/v2/<name>/tags/list?n=&last=`, in byte order. */
export async function listTags(call: RegistryCall): Promise<void> {
  const { name = '' } = call.params;
  const target = targetOf(call, name);
  await require(call, target, 'reader');
  const n = pageSize(call);
  if (!(await call.store.exists(target.key))) throw nameUnknown(name);
  const after = call.query.get('last') ?? undefined;
  const found = n === 0 ? [] : await call.store.tags(target.key, { limit: n + 1, after });
  const tags = found.slice(0, n).map((tag) => tag.name);
  const link = found.length > n ? { Link: nextLink(call.path, { n, last: tags.at(-1) }) } : {};
  sendJson(call.response, 200, { name, tags }, link);
}

/** GET `/v2/_catalog?n=&last=`: the repositories that this identity may read, named as this host names them. */
export async function listRepositories(call: RegistryCall): Promise<void> {
  if (call.identity.kind === 'anonymous') throw unauthorized(call.request, 'log in first', 'registry:catalog:*');
  const n = pageSize(call);
  const google = googleLocation(call.request.headers.host ?? '');
  const location = google ?? call.names.defaultLocation;
  const last = call.query.get('last');
  let after = last === null || last === '' ? undefined : targetOf(call, last).key;
  const found: string[] = [];
  while (n > 0 && found.length <= n) {
    const keys = await call.store.repositories({ limit: n + 1, after }, `${location}/`);
    for (const key of keys) {
      const own = parseRepositoryKey(key);
      if (!(await mayRead(call, own))) continue;
      found.push(google === undefined ? localPath(own) : key.slice(location.length + 1));
    }
    after = keys.at(-1);
    if (keys.length <= n) break;
  }
  const repositories = found.slice(0, n);
  const link = found.length > n ? { Link: nextLink(call.path, { n, last: repositories.at(-1) }) } : {};
  sendJson(call.response, 200, { repositories }, link);
}

/** GET `/v2/<name>/referrers/<digest>?artifactType=`: always an index, also for what was never pushed. */
export async function listReferrers(call: RegistryCall): Promise<void> {
  const target = targetOf(call, call.params['name'] ?? '');
  await require(call, target, 'reader');
  const digest = digestParam(call.params['digest']);
  const artifactType = call.query.get('artifactType') ?? undefined;
  const found = await call.store.referrers(target.key, digest, artifactType);
  const index = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: found.map(referrerDescriptor) };
  sendJson(call.response, 200, index, {
    'Content-Type': MEDIA.ociIndex,
    ...(artifactType === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' }),
  });
}

function referrerDescriptor({ mediaType, digest, size, artifactType, annotations }: StoredManifest) {
  return { mediaType, digest, size, artifactType, annotations };
}

function pageSize(call: RegistryCall): number {
  const text = call.query.get('n');
  if (text === null || text === '') return LARGEST_PAGE;
  if (!/^\d{1,9}$/.test(text))
    throw new RegistryError(400, 'PAGINATION_NUMBER_INVALID', `n is no number: ${JSON.stringify(text)}`);
  return Math.min(Number(text), LARGEST_PAGE);
}
