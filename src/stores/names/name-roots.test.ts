import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import type { ContentReader } from '../content/content.ts';
import { NameRoots } from './name-roots.ts';

/** Blobs in memory, counting how often each is read. */
function shelf() {
  const blobs = new Map<Digest, Buffer>();
  const reads: Digest[] = [];
  const content: ContentReader = {
    stat: async (digest) => (blobs.has(digest) ? { digest, size: blobs.get(digest)?.length ?? 0 } : undefined),
    open: async (digest) => Readable.from([blobs.get(digest)]),
    read: async (digest) => {
      reads.push(digest);
      return blobs.get(digest) ?? Buffer.alloc(0);
    },
    path: async () => '',
  };
  const add = (mediaType: string, value: object | string): Descriptor => {
    const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    blobs.set(digestOf(bytes), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  return { content, reads, add };
}

function imageOn({ add }: ReturnType<typeof shelf>, what: string) {
  const config = add(MEDIA.ociConfig, `config of ${what}`);
  const layer = add(MEDIA.ociLayerGzip, `layer of ${what}`);
  const manifest = add(MEDIA.ociManifest, { schemaVersion: 2, config, layers: [layer] });
  return { config, layer, manifest };
}

function rootsOf(targets: Descriptor[], content: ContentReader): NameRoots {
  const unused = () => Promise.reject(new Error('not asked for'));
  const finds = { find: unused, findById: unused, list: unused, scopes: unused };
  const reads = { ...finds, held: unused, heldIds: unused, heldById: unused };
  const writes = { set: unused, remove: unused, hold: unused, letGo: unused, drop: unused };
  return new NameRoots({ ...reads, ...writes, targets: async () => [...targets] }, content);
}

it('claims manifest, config and layers of a named image, through its index', async () => {
  const store = shelf();
  const { config, layer, manifest } = imageOn(store, 'amd64');
  const absent = { mediaType: MEDIA.ociManifest, digest: digestOf('arm64, never fetched'), size: 3 };
  const index = store.add(MEDIA.ociIndex, { schemaVersion: 2, manifests: [manifest, absent] });
  const roots = rootsOf([index], store.content);
  const asked = [index, manifest, config, layer].map((descriptor) => descriptor.digest);
  expect(await roots.claimed([...asked, digestOf('a stranger')])).toEqual(asked);
});

it('reads each manifest once, and forgets it with its name', async () => {
  const store = shelf();
  const [first, second] = [imageOn(store, 'first'), imageOn(store, 'second')];
  const targets = [first.manifest, second.manifest];
  const roots = rootsOf(targets, store.content);
  for (let page = 0; page < 3; page++) await roots.claimed([first.layer.digest]);
  expect(store.reads).toHaveLength(2);
  targets.shift();
  expect(await roots.claimed([first.layer.digest, second.layer.digest])).toEqual([second.layer.digest]);
});

it('claims nothing less when a manifest can not be read: the collection fails instead', async () => {
  const store = shelf();
  const torn = store.add(MEDIA.ociManifest, '{"schemaVersion": 2, "config"');
  await expect(rootsOf([torn], store.content).claimed([digestOf('x')])).rejects.toThrow('not JSON');
});
