import type { Digest } from '../../images/digest.ts';

export interface AttachableVersion {
  digest: Digest;
  tags: string[];
  subject?: Digest | undefined;
}

/** `sha256-<hex>`, with `.sig` and the like behind it: the tag of what is attached, where no manifest says its subject. */
const ATTACHED_TAG = /^(sha256|sha512)-([0-9a-f]{64})/;

/**
 * By digest, the versions that are attached to it: by their subject, or by a tag that is made of the digest (cosign;
 * distribution-spec, "Referrers Tag Schema", which cuts the hex at 64 characters).
 */
export function attachmentsOf<T extends AttachableVersion>(versions: readonly T[]): Map<Digest, T[]> {
  const byTag = new Map(versions.map((version) => [tagNameOf(version.digest), version.digest]));
  const attachments = new Map<Digest, T[]>();
  for (const version of versions) {
    const named = version.tags.map((tag) => byTag.get(ATTACHED_TAG.exec(tag)?.[0] ?? ''));
    for (const digest of new Set([version.subject, ...named])) {
      if (digest === undefined || digest === version.digest) continue;
      const others = attachments.get(digest);
      if (others === undefined) attachments.set(digest, [version]);
      else others.push(version);
    }
  }
  return attachments;
}

function tagNameOf(digest: Digest): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm}-${hex.slice(0, 64)}`;
}
