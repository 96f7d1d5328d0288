import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import type { ImageConfig } from '../../src/images/config.ts';
import { readTar } from '../../src/images/tar/read.ts';
import { type LayerChange, readLayer } from './flat-image.ts';

/** What `docker save` and `buildah push docker-archive:` write: one image, its layers as plain tars. */
export async function readDockerArchive(path: string): Promise<{ config: ImageConfig; layers: LayerChange[][] }> {
  const texts = new Map<string, string>();
  const layers = new Map<string, LayerChange[]>();
  const links = new Map<string, string>();
  for await (const { header, body } of readTar(createReadStream(path))) {
    if (header.type === 'symlink')
      links.set(header.name, posix.join(posix.dirname(header.name), header.linkname ?? ''));
    else if (header.name.endsWith('.tar')) layers.set(header.name, await readLayer(body));
    else if (header.name.endsWith('.json')) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      texts.set(header.name, Buffer.concat(chunks).toString('utf8'));
    }
  }
  const [image] = JSON.parse(texts.get('manifest.json') ?? '[]') as { Config: string; Layers: string[] | null }[];
  if (image === undefined) throw new Error(`${path} holds no image`);
  return {
    config: JSON.parse(texts.get(image.Config) ?? '') as ImageConfig,
    layers: (image.Layers ?? []).map((name) => layers.get(links.get(name) ?? name) ?? []),
  };
}
