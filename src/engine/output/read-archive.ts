import { posix } from 'node:path';
import { decompress, packingOf } from '../../images/decompress.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, isDigest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { MEDIA } from '../../images/media-types.ts';
import { ByteSource } from '../../images/tar/byte-source.ts';
import { readTar } from '../../images/tar/read.ts';
import { readSmall } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import { compressedLayer } from '../layers/compressed-layer.ts';

/** What an archive holds: its blobs are in the content store, its small texts in hand. */
export interface ArchiveContent {
  /** By the name in the archive: `index.json`, `manifest.json`. */
  texts: ReadonlyMap<string, Buffer>;
  /** Of an image layout: those that were there and are what their names say. */
  blobs: ReadonlySet<Digest>;
  /** Of docker's older form: layers and configs under names of their own. */
  files: ReadonlyMap<string, ArchivedFile>;
  /** Names that stand for others. */
  links: ReadonlyMap<string, string>;
}

export type ArchivedFile = { kind: 'layer'; layer: Layer } | { kind: 'config'; descriptor: Descriptor };

/** A config or an index beyond this is none. */
const TEXT_LIMIT = 8 << 20;
const TEXTS = ['oci-layout', 'index.json', 'manifest.json', 'repositories'];
const BLOB = /^blobs\/(sha256|sha512)\/([a-f0-9]+)$/;

/**
 * Takes an archive of images in one pass, in whatever order its files stand: `docker save` of any version, `podman save`,
 * `skopeo copy ... docker-archive:` or `oci-archive:`, plain or packed. Blobs go into the content store as they come, and
 * each has to be what its name says; a layer that an older docker wrote as a plain tar is compressed on its way.
 * @throws Problem `invalid` when a blob is another one than its name says, or the archive is damaged
 */
export async function readArchive(
  bytes: AsyncIterable<Uint8Array>,
  content: ContentStore,
  signal: AbortSignal,
): Promise<ArchiveContent> {
  const texts = new Map<string, Buffer>();
  const blobs = new Set<Digest>();
  const files = new Map<string, ArchivedFile>();
  const links = new Map<string, string>();
  for await (const { header, body } of readTar(decompress(bytes))) {
    signal.throwIfAborted();
    const name = posix.normalize(header.name).replace(/^\.?\/+/, '');
    if (header.type === 'symlink' || header.type === 'hardlink') {
      const target = header.linkname ?? '';
      links.set(name, header.type === 'hardlink' ? posix.normalize(target) : posix.join(posix.dirname(name), target));
      continue;
    }
    if (header.type !== 'file') continue;
    const blob = BLOB.exec(name);
    if (TEXTS.includes(name)) texts.set(name, await small(body, name, header.size));
    else if (blob !== null) {
      const digest = `${blob[1]}:${blob[2]}`;
      if (!isDigest(digest)) throw new Problem('invalid', `${name}: no digest has that length`);
      await content.ingest(body, { expected: digest, size: header.size, signal });
      blobs.add(digest);
    } else if (name.endsWith('.json') && !name.includes('/'))
      files.set(name, { kind: 'config', descriptor: await putConfig(await small(body, name, header.size), content) });
    else if (name.endsWith('.tar')) files.set(name, { kind: 'layer', layer: await putLayer(body, content, signal) });
  }
  return { texts, blobs, files, links };
}

async function small(body: AsyncIterable<Uint8Array>, name: string, size: number): Promise<Buffer> {
  if (size > TEXT_LIMIT) throw new Problem('invalid', `${name} of the archive is longer than ${TEXT_LIMIT >> 20} MiB`);
  return await readSmall(body, TEXT_LIMIT);
}

async function putConfig(bytes: Buffer, content: ContentStore): Promise<Descriptor> {
  const { digest, size } = await content.put(bytes);
  return { mediaType: MEDIA.ociConfig, digest, size };
}

/** Compressed layers (of podman and skopeo) stay as they are; their diffID is checked when the image is put together. */
async function putLayer(body: AsyncIterable<Uint8Array>, content: ContentStore, signal: AbortSignal): Promise<Layer> {
  const source = new ByteSource(body);
  try {
    const head = await source.take(512);
    const whole = withHead(head, source);
    if (packingOf(head) !== 'plain') {
      const { digest, size } = await content.ingest(whole, { signal });
      const mediaType = packingOf(head) === 'zstd' ? MEDIA.ociLayerZstd : MEDIA.ociLayerGzip;
      return { diffID: digest, blob: { mediaType, digest, size } };
    }
    return await compressedLayer(whole, content, signal);
  } finally {
    await source.close();
  }
}

async function* withHead(head: Uint8Array, rest: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (head.length > 0) yield head;
  for (let chunk = await rest.part(1 << 18); chunk !== undefined; chunk = await rest.part(1 << 18)) yield chunk;
}

/** A file by its name or by one that stands for it. */
export function fileNamed({ files, links }: ArchiveContent, name: string): ArchivedFile | undefined {
  let at = posix.normalize(name);
  for (let hops = 0; hops < 8 && !files.has(at); hops++) {
    const next = links.get(at);
    if (next === undefined) break;
    at = next;
  }
  return files.get(at);
}
