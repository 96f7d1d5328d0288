import { googleLocation, localPath, parseRepositoryKey } from '../../stores/registry/name.ts';
import { sendJson } from '../http/answer.ts';
import { nextLink } from '../http/links.ts';
import { unauthorized } from './access.ts';
import { pageSize, type RegistryCall, targetOf } from './call.ts';
import { nameUnknown } from './errors.ts';
import { pullTarget } from './pull-target.ts';
import { ReadableImages } from './readable-images.ts';
import { warningHeaders } from './warnings.ts';

/** GET `/v2/<name>/tags/list?n=&last=`, in byte order. */
export async function listTags(call: RegistryCall): Promise<void> {
  const { name = '' } = call.params;
  const target = await pullTarget(call);
  const n = pageSize(call);
  const after = call.query.get('last') ?? undefined;
  const found = await call.pulls.tags(target.key, { limit: n === 0 ? 0 : n + 1, after });
  if (found === undefined) throw nameUnknown(name);
  const tags = found.entries.slice(0, n);
  const link = found.entries.length > n ? { Link: nextLink(call.path, { n, last: tags.at(-1) }) } : {};
  sendJson(call.response, 200, { name, tags }, { ...link, ...warningHeaders(found.warnings) });
}

/** Names of the catalogue that are looked at together, however few of them are asked for. */
const LEAST_READ = 1000;

/** GET `/v2/_catalog?n=&last=`: the repositories that this identity may read, named as this host names them. */
export async function listRepositories(call: RegistryCall): Promise<void> {
  if (call.identity.kind === 'anonymous') throw unauthorized(call.request, 'log in first', 'registry:catalog:*');
  const n = pageSize(call);
  const google = googleLocation(call.request.headers.host ?? '');
  const location = google ?? call.names.defaultLocation;
  const last = call.query.get('last');
  let after = last === null || last === '' ? undefined : targetOf(call, last).key;
  const readable = new ReadableImages(call);
  const limit = Math.max(n + 1, LEAST_READ);
  const found: string[] = [];
  while (n > 0 && found.length <= n) {
    const keys = await call.store.repositories({ limit, after }, `${location}/`);
    for (const key of keys)
      if (await readable.has(key))
        found.push(google === undefined ? localPath(parseRepositoryKey(key)) : key.slice(location.length + 1));
    if (keys.length < limit) break;
    after = readable.behindHidden ?? keys.at(-1);
    await new Promise(setImmediate); // whoever may read little of much must not hold up the others
  }
  const repositories = found.slice(0, n);
  const link = found.length > n ? { Link: nextLink(call.path, { n, last: repositories.at(-1) }) } : {};
  sendJson(call.response, 200, { repositories }, link);
}
