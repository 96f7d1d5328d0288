import { cosignTags } from '../../images/cosign-tags.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { fallbackTag } from '../../images/fallback-tag.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { Reference } from '../../images/reference.ts';
import { isOwnHost, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller } from '../engine.ts';

/** What a repository has that is said of a manifest. */
export interface Companions {
  /** Manifests that name it as their subject. */
  referrers: Descriptor[];
  /** Tags by which cosign finds its own; what they mean names no subject. */
  tags: string[];
}

/**
 * Asks a repository what it has beside a manifest: by the referrers API or the fallback tag, and by cosign's tags. What the
 * caller may not read of ours says nothing.
 * @throws Problem as `RegistryClient.referrers`
 */
export async function companionsOf(
  { host, repository }: Pick<Reference, 'host' | 'repository'>,
  subject: Digest,
  deps: Pick<ProjectDeps, 'own' | 'authorise' | 'pullsThrough' | 'remote' | 'registry' | 'content'>,
  caller: Caller,
): Promise<Companions> {
  const { own, authorise, pullsThrough, remote } = deps;
  const { signal } = caller;
  if (isOwnHost(host, own)) {
    const name = ownName(host, repository, own);
    if (authorise !== undefined && !(await authorise(caller, 'reader', name))) return { referrers: [], tags: [] };
    if (!(await pullsThrough?.(host, repository))) return await ownCompanions(repositoryKey(name), subject, deps);
  }
  const [referrers, tags] = await Promise.all([
    remote.referrers(host, repository, subject, { signal }),
    remote.presentTags(host, repository, cosignTags(subject), { signal }),
  ]);
  return { referrers, tags };
}

async function ownCompanions(
  key: string,
  subject: Digest,
  { registry, content }: Pick<ProjectDeps, 'registry' | 'content'>,
): Promise<Companions> {
  const found = new Map<Digest, Descriptor>();
  for (const { mediaType, digest, size } of await registry.referrers(key, subject))
    found.set(digest, { mediaType, digest, size });
  // clients that were told of no API have listed theirs here
  const listed = await registry.manifest(key, fallbackTag(subject));
  if (listed !== undefined) {
    const index = parseManifest(await content.read(listed.digest), listed.mediaType);
    for (const entry of index.kind === 'index' ? index.value.manifests : [])
      if ((await registry.manifest(key, entry.digest)) !== undefined) found.set(entry.digest, entry);
  }
  const tags: string[] = [];
  for (const tag of cosignTags(subject)) if ((await registry.manifest(key, tag)) !== undefined) tags.push(tag);
  return { referrers: [...found.values()], tags };
}
