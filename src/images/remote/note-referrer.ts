import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import { fallbackTag } from '../fallback-tag.ts';
import type { Manifest } from '../manifest.ts';
import { MEDIA } from '../media-types.ts';
import type { PushTarget } from './push.ts';
import { type ReferrersCall, referrersByApi, referrersByTag } from './referrers.ts';

/** Publishes a manifest under a tag. */
type Put = (tag: string, bytes: Uint8Array, mediaType: string) => Promise<Digest>;

/**
 * Does what a registry without the referrers API leaves to its clients: lists a manifest that was pushed under the fallback
 * tag of its subject, beside what stands there (distribution-spec, "Pushing Manifests with Subject"). Two clients that do
 * so at the same moment can lose one entry, as everywhere with these registries.
 * @param pushed the manifest, as a descriptor
 */
export async function noteReferrer(
  { access, endpoint, repository, signal }: PushTarget,
  subject: Digest,
  pushed: Descriptor,
  put: Put,
): Promise<void> {
  const call: ReferrersCall = { access, endpoint, repository, subject, signal };
  // some have the API and don't say so when they are pushed to
  if ((await referrersByApi(call)) !== undefined) return;
  const entries = (await referrersByTag(call)) ?? [];
  if (entries.some(({ digest }) => digest === pushed.digest)) return;
  const index = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [...entries, pushed] };
  await put(fallbackTag(subject), Buffer.from(JSON.stringify(index)), MEDIA.ociIndex);
}

/** How a list of referrers describes a manifest: with its kind and its annotations (distribution-spec, "Listing Referrers"). */
export function referrerDescriptor({ kind, value, mediaType }: Manifest, digest: Digest, size: number): Descriptor {
  const artifactType = value.artifactType || (kind === 'image' ? value.config.mediaType : undefined);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(value.annotations === undefined ? {} : { annotations: value.annotations }),
  };
}
