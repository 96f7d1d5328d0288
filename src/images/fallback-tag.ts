import { type Digest, digestAlgorithm, digestHex } from './digest.ts';

/** Where clients keep the list of what refers to a manifest on registries without the referrers API (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}
