import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { beforeEach, expect, it } from 'vitest';
import { Problem } from '../lib/problem.ts';
import type { Descriptor } from './descriptor.ts';
import { type Digest, digestOf } from './digest.ts';
import { MEDIA } from './media-types.ts';
import { validateImage } from './validate.ts';

const blobs = new Map<Digest, Buffer>();

function keep(content: Buffer | object, mediaType: string): Descriptor {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const digest = digestOf(bytes);
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

const read = async ({ digest }: Descriptor) => {
  const bytes = blobs.get(digest);
  if (bytes === undefined) throw new Problem('not-found', 'gone');
  return Readable.from([bytes]);
};

const tar = (text: string) => Buffer.from(text.padEnd(1024, '.'));

function image(layers: Descriptor[], diffIDs: Digest[]): Descriptor {
  const config = keep(
    { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffIDs } },
    MEDIA.ociConfig,
  );
  return keep({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers }, MEDIA.ociManifest);
}

beforeEach(() => blobs.clear());

it('finds nothing wrong with whole images in an index, whatever their layers are packed with', async () => {
  const packed = keep(gzipSync(tar('a')), MEDIA.ociLayerGzip);
  const plain = keep(tar('b'), MEDIA.ociLayer);
  const one = image([packed, plain], [digestOf(tar('a')), digestOf(tar('b'))]);
  const other = image([plain], [digestOf(tar('b'))]);
  const index = keep({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [one, other] }, MEDIA.ociIndex);
  expect(await validateImage(index, read)).toEqual([]);
});

it('lists every mismatch, and where it is', async () => {
  const swapped = keep(gzipSync(tar('a')), MEDIA.ociLayerGzip);
  const sized = { ...keep(gzipSync(tar('b')), MEDIA.ociLayerGzip), size: 7 };
  const cut = keep(gzipSync(tar('c')).subarray(0, 15), MEDIA.ociLayerGzip);
  const missing = { ...swapped, digest: digestOf('missing') };
  const changed = keep(tar('d'), MEDIA.ociLayer);
  blobs.set(changed.digest, tar('D'));
  const layers = [swapped, sized, cut, missing, changed];
  const broken = image(
    layers,
    ['a!', 'b', 'c', 'x', 'd', 'extra'].map((text) => digestOf(tar(text))),
  );
  const index = keep({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [broken] }, MEDIA.ociIndex);
  const found = (await validateImage(index, read)).map(({ where, what }) => `${where}: ${what}`);
  const size = blobs.get(sized.digest)?.length;
  expect(found).toEqual([
    'manifests[0]: the manifest has 5 layers, its config 6',
    `manifests[0] > layers[0]: unpacks to ${digestOf(tar('a'))}, but the config says ${digestOf(tar('a!'))}`,
    `manifests[0] > layers[1]: has ${size} bytes, but its descriptor says 7`,
    "manifests[0] > layers[2]: can't be read: damaged gzip data: unexpected end of file",
    'manifests[0] > layers[3]: is missing',
    `manifests[0] > layers[4]: has the digest ${digestOf(tar('D'))}`,
    `manifests[0] > layers[4]: unpacks to ${digestOf(tar('D'))}, but the config says ${digestOf(tar('d'))}`,
  ]);
});

it('leaves the configs of other things than images alone', async () => {
  const config = keep(Buffer.from('{}'), MEDIA.ociEmpty);
  const chart = keep(Buffer.from('chart'), 'application/vnd.cncf.helm.chart.content.v1.tar+gzip');
  const artifact = keep({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers: [chart] }, MEDIA.ociManifest);
  expect(await validateImage(artifact, read)).toEqual([]);
});
