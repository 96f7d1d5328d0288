import type { ImageConfig } from '../images/config.ts';
import type { Descriptor } from '../images/descriptor.ts';
import { type Digest, isDigest } from '../images/digest.ts';
import { parseManifest } from '../images/manifest.ts';
import type { Platform } from '../images/platform.ts';
import type { ContentReader } from '../stores/content/content.ts';
import type { BaseImage } from './engine.ts';
import { BASE_DIGEST, BASE_NAME } from './export.ts';
import { choosePlatform } from './transfer/choose-platform.ts';

/**
 * The image that this one was built on, as its builder wrote it into the manifest. How many of the layers and history
 * entries are the base's is told only where the base's own manifest lies here.
 */
export async function baseOf(
  manifest: Descriptor,
  platform: Platform,
  content: ContentReader,
): Promise<BaseImage | undefined> {
  const built = parseManifest(await content.read(manifest.digest), manifest.mediaType).value;
  const name = built.annotations?.[BASE_NAME];
  const digest = built.annotations?.[BASE_DIGEST];
  if (name === undefined || digest === undefined || !isDigest(digest)) return undefined;
  return { name, digest, ...(await sizeOf(digest, platform, content)) };
}

async function sizeOf(
  digest: Digest,
  platform: Platform,
  content: ContentReader,
): Promise<{ layers: number; entries: number } | undefined> {
  if ((await content.stat(digest)) === undefined) return undefined;
  const base = parseManifest(await content.read(digest));
  if (base.kind === 'index') return sizeOf(choosePlatform(base.value, platform, digest).digest, platform, content);
  if ((await content.stat(base.value.config.digest)) === undefined) return undefined;
  const config = JSON.parse((await content.read(base.value.config.digest)).toString('utf8')) as ImageConfig;
  return { layers: base.value.layers.length, entries: config.history?.length ?? 0 };
}
