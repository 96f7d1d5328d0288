import { cosignTags } from '../../images/cosign-tags.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { fallbackTag } from '../../images/fallback-tag.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { Reference } from '../../images/reference.ts';
import { isOwnHost, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';

/** What a repository has that is said of a manifest. */
export interface Companions {
  /** Manifests that name it as their subject. */
  referrers: Descriptor[];
  /** Tags by which cosign finds its own; what they mean names no subject. */
  tags: string[];
}

/**
 * Asks a repository what it has beside a manifest: by the referrers API or the fallback tag, and by cosign's tags.
 * @throws Problem as `RegistryClient.referrers`
 */
export async function companionsOf(
  { host, repository }: Pick<Reference, 'host' | 'repository'>,
  subject: Digest,
  deps: Pick<ProjectDeps, 'own' | 'pullsThrough' | 'remote' | 'registry' | 'content'>,
  signal: AbortSignal,
): Promise<Companions> {
  const { own, pullsThrough, remote } = deps;
  if (isOwnHost(host, own) && !(await pullsThrough?.(host, repository)))
    return await ownCompanions(repositoryKey(ownName(host, repository, own)), subject, deps);
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
