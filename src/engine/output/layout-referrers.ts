import { isCompanionTag } from '../../images/cosign-tags.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, isDigest } from '../../images/digest.ts';
import { REF_NAME } from '../../images/image-layout.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { KeptReferrer } from '../provenance/kept-referrers.ts';

/**
 * Parts the entries of a layout's index into images and what is said of images: an index under the fallback tag of its
 * subject, cosign's own under its tags, or a manifest that names a subject, as oras leaves them there without a name.
 * @param read the bytes of a manifest of the layout
 */
export async function layoutReferrers(
  entries: readonly Descriptor[],
  read: (manifest: Descriptor) => Promise<Buffer>,
): Promise<{ images: Descriptor[]; referrers: KeptReferrer[] }> {
  const images: Descriptor[] = [];
  const referrers = new Map<string, KeptReferrer>();
  const keep = (referrer: KeptReferrer) =>
    referrers.set(`${referrer.subject} ${referrer.tag ?? referrer.target.digest}`, referrer);
  const keepBySubject = async ({ mediaType, digest, size }: Descriptor): Promise<boolean> => {
    const target = { mediaType, digest, size };
    const subject = parseManifest(await read(target), mediaType).value.subject?.digest;
    if (subject !== undefined) keep({ subject, target });
    return subject !== undefined;
  };
  for (const entry of entries) {
    const name = entry.annotations?.[REF_NAME] ?? '';
    const { mediaType, digest, size } = entry;
    const subject = subjectOfTag(name);
    if (!isCompanionTag(name)) {
      if (name !== '' || !(await keepBySubject(entry))) images.push(entry);
    } else if (subject !== undefined) keep({ subject, target: { mediaType, digest, size }, tag: name });
    else {
      const list = parseManifest(await read(entry), mediaType);
      for (const listed of list.kind === 'index' ? list.value.manifests : []) await keepBySubject(listed);
    }
  }
  return { images, referrers: [...referrers.values()] };
}

/** What one of cosign's tags is about. */
function subjectOfTag(tag: string): Digest | undefined {
  const [stem = '', kind] = tag.split('.');
  const digest = stem.replace('-', ':');
  return kind !== undefined && isDigest(digest) ? digest : undefined;
}
