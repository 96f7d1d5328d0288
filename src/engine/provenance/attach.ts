import type { Descriptor } from '../../images/descriptor.ts';
import type { ImageManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { LocalImage, NameStore } from '../../stores/names/names.ts';
import { referrersOf } from './kept-referrers.ts';
import { PREDICATE_TYPE } from './statement.ts';

const IN_TOTO = 'application/vnd.in-toto+json';

/**
 * Stores a statement as an artifact that refers to the image (OCI manifest.md, "Guidelines for Artifact Usage"); the image's
 * own digest stays as it is. A push of the image takes it along.
 */
export async function attachStatement(
  statement: object,
  subject: Descriptor,
  scope: string,
  { content, names, now }: { content: ContentStore; names: NameStore; now: number },
): Promise<Descriptor> {
  const { mediaType, digest, size } = subject;
  const config = await store(content, MEDIA.ociEmpty, {});
  const layer = await store(content, IN_TOTO, statement);
  const artifact: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    artifactType: IN_TOTO,
    config,
    layers: [{ ...layer, annotations: { 'in-toto.io/predicate-type': PREDICATE_TYPE } }],
    subject: { mediaType, digest, size },
    annotations: { 'in-toto.io/predicate-type': PREDICATE_TYPE },
  };
  const target = await store(content, MEDIA.ociManifest, artifact);
  const kept: LocalImage = { id: target.digest, target, manifest: target, at: now };
  await names.set(referrersOf(scope), digest, kept);
  return target;
}

async function store(content: ContentStore, mediaType: string, json: object): Promise<Descriptor> {
  const { digest, size } = await content.put(Buffer.from(JSON.stringify(json)));
  return { mediaType, digest, size };
}
