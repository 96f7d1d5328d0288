import { Problem } from '../../lib/problem.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import { fallbackTag } from '../fallback-tag.ts';
import { parseManifest } from '../manifest.ts';
import { MEDIA } from '../media-types.ts';
import { familiarName } from '../reference.ts';
import type { RegistryAccess } from './access.ts';
import { type Endpoint, repositoryUrl } from './hosts.ts';
import { nextPage } from './next-page.ts';
import { fetchManifest } from './pull.ts';
import { refusalOf } from './refusal.ts';
import { repositoryScope } from './scopes.ts';

/** Bytes of all pages, and pages. */
const BYTES_LIMIT = 16 << 20;
const MAX_PAGES = 1000;

export interface ReferrersCall {
  access: RegistryAccess;
  endpoint: Endpoint;
  repository: string;
  subject: Digest;
  signal?: AbortSignal | undefined;
  attempts?: number | undefined;
}

/**
 * What refers to a manifest. Registries without the referrers API answer 404; what was pushed to them is listed under the
 * fallback tag (distribution-spec, "Referrers Tag Schema").
 * @throws Problem as every call of the client, but for `not-found`
 */
export async function listReferrers(call: ReferrersCall): Promise<Descriptor[]> {
  return (await referrersByApi(call)) ?? (await referrersByTag(call)) ?? [];
}

/** All pages; undefined where the registry has no such API. */
export async function referrersByApi(call: ReferrersCall): Promise<Descriptor[] | undefined> {
  const { access, endpoint, repository, subject, signal, attempts } = call;
  const found: Descriptor[] = [];
  let left = BYTES_LIMIT;
  let next: URL | undefined = repositoryUrl(endpoint, repository, `referrers/${subject}`);
  for (let page = 0; next !== undefined; page++) {
    const url: URL = next;
    const scopes = repositoryScope(endpoint.prefix + repository, 'pull');
    const headers = { accept: MEDIA.ociIndex };
    const request = { method: 'GET', url, headers, scopes, signal, attempts } as const;
    const { answer, bytes } = await access.read(endpoint, request, left);
    left -= bytes.length;
    const name = familiarName({ host: endpoint.host, repository, digest: subject });
    if (answer.status === 404 || answer.status === 405) {
      answer.body.resume();
      return undefined;
    }
    if (answer.status !== 200) throw await refusalOf(answer, { endpoint, subject: name, action: 'pull' });
    for (const entry of entriesOf(bytes)) found.push(entry);
    next = nextPage(answer.header('link'), url);
    if (page >= MAX_PAGES || next?.href === url.href)
      throw new Problem('unavailable', `${endpoint.host} lists the referrers of ${name} without an end`);
  }
  return found;
}

/** What the index under the fallback tag lists; undefined when there is none. */
export async function referrersByTag(call: ReferrersCall): Promise<Descriptor[] | undefined> {
  const { access, endpoint, repository, subject, signal } = call;
  const tag = fallbackTag(subject);
  try {
    const { bytes } = await fetchManifest(access, endpoint, { host: endpoint.host, repository, tag }, signal);
    return entriesOf(bytes);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined;
    throw error;
  }
}

function entriesOf(bytes: Buffer): Descriptor[] {
  const index = parseManifest(bytes, undefined);
  return index.kind === 'index' ? index.value.manifests : [];
}
