import type { DockerClient, FoundRepository } from '../../doors/docker/call.ts';
import { isOwnHost, localPath, type OwnName, type OwnNames, parseRepositoryKey } from '../../stores/registry/name.ts';
import type { RegistryReader } from '../../stores/registry/registry.ts';

const PAGE = 1000;
/** A search is answered while somebody waits: of more repositories than these, only the first are looked at. */
const LOOKED_AT = 100_000;

/**
 * `docker search` over our own registry: whose name has the term in it.
 * @param shared projects that everybody reads
 * @returns names under which a pull finds them, in byte order
 */
export async function searchRegistry(
  { term, limit }: { term: string; limit: number },
  { kind, project }: Pick<DockerClient, 'kind' | 'project'>,
  {
    registry,
    own,
    shared,
  }: { registry: Pick<RegistryReader, 'repositories' | 'tagNames'>; own: OwnNames; shared: readonly string[] },
): Promise<FoundRepository[]> {
  const found: FoundRepository[] = [];
  let after: string | undefined;
  for (let looked = 0; looked < LOOKED_AT; looked += PAGE) {
    const keys = await registry.repositories({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const key of keys) {
      const name = parseRepositoryKey(key);
      if (kind !== 'owner' && name.project !== project && !shared.includes(name.project)) continue;
      const called = nameFor(name, own);
      if (called === undefined || !called.toLowerCase().includes(term.toLowerCase())) continue;
      found.push({ name: called, tags: await registry.tagNames(key, { limit: 4 }) });
      if (found.length === limit) return found;
    }
    after = keys.at(-1);
    if (keys.length < PAGE) break;
  }
  return found;
}

/** Undefined where no host of ours has the location. */
function nameFor(name: OwnName, own: OwnNames): string | undefined {
  const google = `${name.location}-docker.pkg.dev`;
  if (isOwnHost(google, own)) return `${google}/${name.project}/${name.repository}/${name.image}`;
  const [host] = own.hosts.filter((pattern) => !pattern.includes('*'));
  return host === undefined || name.location !== own.defaultLocation ? undefined : `${host}/${localPath(name)}`;
}
