import type { Descriptor } from '../../images/descriptor.ts';
import { type ImageManifest, parseManifest } from '../../images/manifest.ts';
import type { Platform } from '../../images/platform.ts';
import type { Reference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, ResolvedImage } from '../engine.ts';
import type { CacheImport } from '../request.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import type { ImageSource } from '../transfer/source.ts';
import { CacheFolder } from './cache-folder.ts';
import { CACHE_TYPE, DOCUMENT_LIMIT, readDocument } from './document.ts';
import { historyImage } from './image-history.ts';
import type { ImportedCache } from './imported.ts';
import { readInlineCache } from './inline.ts';

/** What BuildKit's `type=registry` exporter writes. */
const BUILDKIT_CACHE = 'application/vnd.buildkit.cacheconfig.v0';

export interface ImportRoom {
  deps: Pick<ProjectDeps, 'content' | 'registry' | 'own' | 'origins' | 'remote' | 'vouches'>;
  source: ImageSource;
  fetcher: BlobFetcher;
  platform: Platform;
}

/**
 * Reads what `--cache-from` names: an image of the caller's own, or in a registry, with our records inside or known by its
 * history alone; an artifact of ours; or a folder that an export wrote.
 * @throws Problem as ImageSource.resolve; `unsupported` for BuildKit's cache artifacts, whose keys only BuildKit can compute
 */
export async function openImport(from: CacheImport, caller: Caller, room: ImportRoom): Promise<ImportedCache> {
  if (from.kind === 'local') return await openFolder(from.path, from.name ?? from.path, room);
  const { reference: name } = from;
  const local = await room.source.find(name, caller);
  if (local !== undefined) {
    const image = await room.source.open(local);
    return imageCache(name, image, (blob) => canBeHad(blob, room));
  }
  const { reference, target, own } = await room.source.target(name, caller);
  const manifest = parseManifest(await room.deps.content.read(target.digest), target.mediaType);
  const has = (blob: Descriptor, signal: AbortSignal) =>
    own ? isOurs(reference, blob, room) : isIn(reference, blob, room, signal);
  const types = manifest.kind === 'index' ? manifest.value.manifests : [manifest.value.config];
  if (types.some(({ mediaType }) => mediaType === BUILDKIT_CACHE))
    throw new Problem(
      'unsupported',
      `${name} was written by BuildKit's cache exporter, whose keys only BuildKit knows`,
      {
        hint: 'Name the image itself: its history tells which layers can be used. Or write a cache with --cache-to.',
      },
    );
  if (manifest.kind === 'image' && manifest.value.config.mediaType === CACHE_TYPE) {
    if (!own) {
      await room.source.noteOrigins(reference, [manifest.value.config, ...manifest.value.layers]);
      await room.source.ensureSmall(reference, manifest.value.config, caller);
    }
    return { name, records: await recordsOf(manifest.value, room), has };
  }
  const image = await room.source.resolve(name, caller, { platform: room.platform, local: false });
  return imageCache(name, image, has);
}

function imageCache(name: string, { config, layers }: ResolvedImage, has: ImportedCache['has']): ImportedCache {
  return { name, records: readInlineCache(config, layers), image: historyImage(config, layers), has };
}

async function recordsOf({ config }: ImageManifest, { deps }: ImportRoom) {
  return readDocument(await deps.content.read(config.digest, DOCUMENT_LIMIT));
}

async function openFolder(path: string, name: string, { deps }: ImportRoom): Promise<ImportedCache> {
  const folder = new CacheFolder(path);
  const manifest = await folder.manifest();
  if (manifest.config.mediaType !== CACHE_TYPE)
    throw new Problem('invalid', `${path} holds no cache of ours, but ${manifest.config.mediaType}`);
  const records = readDocument(await folder.read(manifest.config, DOCUMENT_LIMIT));
  return {
    name,
    records,
    async has(blob, signal) {
      if (!folder.has(blob)) return false;
      // read even when the store has it: only the bytes prove that the folder does
      await deps.content.ingest(folder.open(blob), { expected: blob.digest, size: blob.size, signal });
      return true;
    },
  };
}

/** Of an image that the caller has named: its layers are the caller's to use. */
async function canBeHad({ digest }: Descriptor, { deps }: ImportRoom): Promise<boolean> {
  return (await deps.content.stat(digest)) !== undefined || (await deps.origins.sources(digest)).length > 0;
}

async function isOurs({ host, repository }: Reference, { digest }: Descriptor, { deps }: ImportRoom): Promise<boolean> {
  const missing = await deps.registry.missingBlobs(repositoryKey(ownName(host, repository, deps.own)), [digest]);
  if (missing.length > 0) return false;
  await deps.content.note([digest]);
  return (await deps.content.stat(digest)) !== undefined;
}

/**
 * A server of anybody's may say that it has a blob. Where the blob lies here already, for another project perhaps, only its
 * bytes prove it; one that doesn't is fetched when it is needed.
 */
async function isIn(
  { host, repository }: Reference,
  blob: Descriptor,
  { deps }: ImportRoom,
  signal: AbortSignal,
): Promise<boolean> {
  const { content, remote } = deps;
  if ((await content.stat(blob.digest)) !== undefined) return true;
  try {
    if (!(await content.liesHere(blob.digest)) || deps.vouches?.(host))
      return await remote.hasBlob(host, repository, blob.digest, { signal });
    const bytes = await remote.blob(host, repository, blob, { signal });
    await content.ingest(bytes, { expected: blob.digest, size: blob.size, signal });
  } catch {
    return false;
  }
  return true;
}
