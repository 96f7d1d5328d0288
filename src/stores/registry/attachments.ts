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
  const attachments = new Map<Digest, T[]>();
  const attach = (digest: Digest | undefined, version: T) => {
    if (digest === undefined || digest === version.digest) return;
    const others = attachments.get(digest);
    if (others === undefined) attachments.set(digest, [version]);
    else if (others.at(-1) !== version) others.push(version);
  };
  const longDigests = new Map<string, Digest>();
  for (const { digest } of versions) if (digest.startsWith('sha512:')) longDigests.set(digest.slice(7, 71), digest);
  for (const version of versions) {
    attach(version.subject, version);
    for (const tag of version.tags) {
      const [, algorithm, hex] = ATTACHED_TAG.exec(tag) ?? [];
      if (hex !== undefined) attach(algorithm === 'sha256' ? `sha256:${hex}` : longDigests.get(hex), version);
    }
  }
  return attachments;
}
