import { Problem } from '../../lib/problem.ts';
import { familiarName, isTag } from '../reference.ts';
import type { RegistryAccess } from './access.ts';
import { type Endpoint, repositoryUrl } from './hosts.ts';
import { nextPage } from './next-page.ts';
import { refusalOf } from './refusal.ts';
import { repositoryScope } from './scopes.ts';

/** Bytes of all pages, and pages: some repositories have tags for every commit of ten years; a hostile one has no end. */
const BYTES_LIMIT = 32 << 20;
const MAX_PAGES = 1000;

/** All tags of a repository in byte order, fetched page by page (distribution-spec, Listing Tags). @throws Problem `not-found` and the usual */
export async function listTags(
  access: RegistryAccess,
  endpoint: Endpoint,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const tags: string[] = [];
  let left = BYTES_LIMIT;
  let next: URL | undefined = repositoryUrl(endpoint, repository, 'tags/list');
  next.searchParams.set('n', '1000');
  for (let page = 0; next !== undefined; page++) {
    const scopes = repositoryScope(endpoint.prefix + repository, 'pull');
    const { answer, bytes } = await access.read(endpoint, { method: 'GET', url: next, scopes, signal }, left);
    left -= bytes.length;
    const subject = familiarName({ host: endpoint.mirrorOf ?? endpoint.host, repository });
    if (answer.status !== 200) throw await refusalOf(answer, { endpoint, subject, action: 'pull' });
    for (const tag of parsePage(bytes.toString('utf8'), endpoint)) tags.push(tag);
    const following = nextPage(answer.header('link'), next);
    if (page >= MAX_PAGES || following?.href === next.href)
      throw new Problem('unavailable', `${endpoint.host} lists the tags of ${subject} without an end`);
    next = following;
  }
  return tags.sort();
}

function parsePage(text: string, endpoint: Endpoint): string[] {
  try {
    const { tags } = JSON.parse(text) as { tags?: unknown };
    // A repository whose last tag was deleted has null here.
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string' && isTag(tag)) : [];
  } catch (error) {
    throw new Problem('unavailable', `${endpoint.host} sent a tag list that is not JSON`, { cause: error });
  }
}
