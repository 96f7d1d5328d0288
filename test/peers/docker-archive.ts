import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import type { ImageConfig } from '../../src/images/config.ts';
import { readTar } from '../../src/images/tar/read.ts';
import { type LayerChange, readLayer } from './flat-image.ts';

/** Of a JSON object; a tar begins with a name, and an empty one with zeros. */
const BRACE = 0x7b;
/** The first of gzip's two magic bytes. */
const GZIP = 0x1f;

/** What `docker save` (with files of their own, or with blobs as newer ones have it) and `buildah push docker-archive:` write: one image, its layers as plain tars. */
export async function readDockerArchive(path: string): Promise<{ config: ImageConfig; layers: LayerChange[][] }> {
  const texts = new Map<string, string>();
  const layers = new Map<string, LayerChange[]>();
  const links = new Map<string, string>();
  for await (const { header, body } of readTar(createReadStream(path))) {
    if (header.type === 'symlink')
      links.set(header.name, posix.join(posix.dirname(header.name), header.linkname ?? ''));
    else if (header.name.endsWith('.tar')) layers.set(header.name, await readLayer(body));
    else if (header.name.endsWith('.json') || (header.type === 'file' && header.name.startsWith('blobs/'))) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes[0] === BRACE || header.name.endsWith('.json')) texts.set(header.name, bytes.toString('utf8'));
      else layers.set(header.name, await readLayer(Readable.from([bytes[0] === GZIP ? gunzipSync(bytes) : bytes])));
    }
  }
  const [image] = JSON.parse(texts.get('manifest.json') ?? '[]') as { Config: string; Layers: string[] | null }[];
  if (image === undefined) throw new Error(`${path} holds no image`);
  return {
    config: JSON.parse(texts.get(image.Config) ?? '') as ImageConfig,
    layers: (image.Layers ?? []).map((name) => layers.get(links.get(name) ?? name) ?? []),
  };
}
