import { type Digest, digestAlgorithm, digestHex } from './digest.ts';

/** Where cosign keeps what it says of a manifest: signatures, attestations, bills of materials. */
export function cosignTags(subject: Digest): string[] {
  const stem = `${digestAlgorithm(subject)}-${digestHex(subject)}`;
  return ['sig', 'att', 'sbom'].map((kind) => `${stem}.${kind}`).filter((tag) => tag.length <= 128);
}

/** Whether a tag says something of another manifest: a fallback tag of the referrers, or one of cosign's. */
export function isCompanionTag(tag: string): boolean {
  return /^(?:sha256-[a-f0-9]{64}|sha512-[a-f0-9]{64,128})(?:\.(?:sig|att|sbom))?$/.test(tag);
}
