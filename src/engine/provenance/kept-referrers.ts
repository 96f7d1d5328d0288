import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, isDigest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import type { LocalImage, NameStore } from '../../stores/names/names.ts';

/**
 * Where a scope's referrers stand in the store of names, each under the digest of its subject: so they are kept from
 * collection like named images, end with the scope, and are in nobody's list of images.
 */
export function referrersOf(scope: string): string {
  return `${scope}/referrers`;
}

/** Something that was said of a local image, by its build or by an archive that brought both. */
export interface KeptReferrer {
  subject: Digest;
  target: Descriptor;
  /** Of cosign's own, which names no subject. */
  tag?: string | undefined;
}

/** Notes what an archive says of an image. What its own build says of it has a place of its own (attach.ts). */
export async function keepReferrer(
  { subject, target, tag }: KeptReferrer,
  scope: string,
  { names, now }: { names: NameStore; now: number },
): Promise<void> {
  const image = { id: target.digest, target, manifest: target, at: now };
  await names.set(referrersOf(scope), `${subject} ${tag ?? target.digest}`, image);
}

/** What is kept that is said of these manifests, and of what is said, subjects first. */
export async function keptReferrers(
  subjects: readonly Digest[],
  scope: string,
  names: Pick<NameStore, 'list'>,
): Promise<KeptReferrer[]> {
  const all = (await names.list(referrersOf(scope))).flatMap(({ name, target }): KeptReferrer[] => {
    const [subject = '', as] = name.split(' ');
    if (!isDigest(subject)) return [];
    return [{ subject, target, ...(as === undefined || isDigest(as) ? {} : { tag: as }) }];
  });
  const found = new Set<KeptReferrer>();
  let next: readonly Digest[] = subjects;
  while (next.length > 0) {
    const about = new Set(next);
    const news = all.filter((referrer) => about.has(referrer.subject) && !found.has(referrer));
    for (const referrer of news) found.add(referrer);
    next = news.map(({ target }) => target.digest);
  }
  return [...found];
}

/** Forgets all that is kept of these manifests. */
async function dropReferrers(subjects: readonly Digest[], scope: string, names: NameStore): Promise<void> {
  const about = new Set((await keptReferrers(subjects, scope, names)).map(({ subject }) => subject));
  for (const { name } of await names.list(referrersOf(scope)))
    if (about.has(name.split(' ')[0] as Digest)) await names.remove(referrersOf(scope), name);
}

/** Forgets all that is kept of an image that went: of its manifest, and of the index that it was kept in. */
export async function dropReferrersOf(
  { target, manifest }: LocalImage,
  scope: string,
  { names, content }: { names: NameStore; content: ContentReader },
): Promise<void> {
  const digests = [target.digest, manifest.digest];
  if ((await content.stat(target.digest)) !== undefined) {
    const top = parseManifest(await content.read(target.digest), target.mediaType);
    if (top.kind === 'index') digests.push(...top.value.manifests.map(({ digest }) => digest));
  }
  await dropReferrers(digests, scope, names);
}
