import { closeSync, constants } from 'node:fs';
import type { Descriptor } from '../../images/descriptor.ts';
import { digestAlgorithm, digestOf, isDigest } from '../../images/digest.ts';
import { blobPath, REF_NAME } from '../../images/image-layout.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { Platform } from '../../images/platform.ts';
import { openBelow, readFileBelow, streamBelow } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { ResolvedImage } from '../engine.ts';
import { choosePlatform } from '../transfer/choose-platform.ts';
import type { ImageSource } from '../transfer/source.ts';

const SMALL_LIMIT = 4 << 20;

/**
 * Takes an image out of a folder in OCI image-layout, for the build alone: its blobs are verified and come into the content
 * store, no name is given. Links in the folder are followed inside it.
 * @param reference a tag or digest of the index; absent: its only image, or `latest`
 * @throws Problem `not-found`, `invalid`
 */
export async function importLayout(
  folder: string,
  reference: string | undefined,
  platform: Platform,
  { content, source }: { content: ContentStore; source: ImageSource },
): Promise<ResolvedImage> {
  const name = `oci-layout://${folder}${reference === undefined ? '' : isDigest(reference) ? `@${reference}` : `:${reference}`}`;
  const root = openFolder(folder);
  try {
    const read = async (descriptor: Descriptor) => {
      const bytes = await readFileBelow(root, blobPath(descriptor.digest), SMALL_LIMIT);
      if (digestOf(bytes, digestAlgorithm(descriptor.digest)) !== descriptor.digest)
        throw new Problem('invalid', `${name}: the blob ${descriptor.digest} has other bytes than its name says`);
      await content.put(bytes, digestAlgorithm(descriptor.digest));
      return parseManifest(bytes, descriptor.mediaType);
    };
    const target = entryOf(
      JSON.parse((await readFileBelow(root, 'index.json', SMALL_LIMIT)).toString('utf8')),
      reference,
      name,
    );
    let descriptor = target;
    let manifest = await read(target);
    if (manifest.kind === 'index') {
      descriptor = choosePlatform(manifest.value, platform, name);
      manifest = await read(descriptor);
    }
    if (manifest.kind !== 'image')
      throw new Problem('invalid', `${name}: an index lies where an image's manifest should be`);
    // read even when the store has it: only the bytes prove that the folder does
    for (const blob of [manifest.value.config, ...manifest.value.layers])
      await content.ingest(streamBelow(root, blobPath(blob.digest)), { expected: blob.digest, size: blob.size });
    return await source.open({ name, id: manifest.value.config.digest, target, manifest: descriptor, at: 0 });
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EINVAL') && !(error instanceof SyntaxError)) throw error;
    throw new Problem('invalid', `${name}: no OCI image-layout`, {
      hint: 'A layout is a folder with index.json and blobs/, as skopeo copy docker://... oci:FOLDER:TAG writes it.',
      cause: error,
    });
  } finally {
    closeSync(root);
  }
}

function openFolder(folder: string): number {
  return openBelow(folder, '', constants.O_RDONLY | constants.O_DIRECTORY);
}

function entryOf(index: unknown, reference: string | undefined, name: string): Descriptor {
  const manifests = typeof index === 'object' && index !== null && 'manifests' in index ? index.manifests : undefined;
  const entries = (Array.isArray(manifests) ? manifests : []) as Descriptor[];
  const tagged = (tag: string) => entries.find(({ annotations }) => annotations?.[REF_NAME] === tag);
  const [only] = entries;
  const found =
    reference === undefined
      ? (tagged('latest') ?? (entries.length === 1 ? only : undefined))
      : (tagged(reference) ?? entries.find(({ digest }) => digest === reference));
  if (found !== undefined && isDigest(found.digest)) return found;
  const tags = entries.flatMap(({ annotations }) => annotations?.[REF_NAME] ?? []);
  throw new Problem('not-found', `${name}: the layout has no such image`, {
    hint: tags.length === 0 ? undefined : `Tags in its index: ${tags.join(', ')}.`,
  });
}
