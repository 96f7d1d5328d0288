import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { parseManifest } from './manifest.ts';
import { MEDIA } from './media-types.ts';

const descriptor = (mediaType: string) => ({ mediaType, digest: digestOf('x'), size: 1 });
const image = { schemaVersion: 2, config: descriptor(MEDIA.ociConfig), layers: [descriptor(MEDIA.ociLayerGzip)] };
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('parseManifest', () => {
  it('tells the kind by what was said, else by its own word, else by its shape', () => {
    expect(parseManifest(bytes(image), `${MEDIA.dockerManifest}; charset=utf-8`)).toMatchObject({
      kind: 'image',
      mediaType: MEDIA.dockerManifest,
    });
    expect(parseManifest(bytes({ ...image, mediaType: MEDIA.dockerManifest })).mediaType).toBe(MEDIA.dockerManifest);
    expect(parseManifest(bytes(image)).mediaType).toBe(MEDIA.ociManifest);
    expect(parseManifest(bytes({ schemaVersion: 2, manifests: [] }))).toMatchObject({
      kind: 'index',
      mediaType: MEDIA.ociIndex,
    });
  });

  it.each([
    ['nonsense', undefined, 'manifest is not JSON'],
    ['[]', undefined, 'manifest is not a JSON object'],
    ['{"schemaVersion":1}', undefined, 'manifest has schemaVersion 1; only 2 is accepted'],
    [
      JSON.stringify({ ...image, mediaType: MEDIA.ociManifest }),
      MEDIA.ociIndex,
      `manifest says mediaType ${MEDIA.ociManifest}, but was sent as ${MEDIA.ociIndex}`,
    ],
    [
      JSON.stringify({ ...image, layers: [{ ...image.config, size: -1 }] }),
      undefined,
      'manifest: layers[0] has no valid size',
    ],
    [
      JSON.stringify({ ...image, config: { ...image.config, digest: 'sha256:x' } }),
      undefined,
      'manifest: config has no valid digest',
    ],
    [JSON.stringify({ schemaVersion: 2 }), MEDIA.ociIndex, 'index has no list of manifests'],
    [JSON.stringify({ ...image, artifactType: ['a'] }), undefined, 'manifest: artifactType is no text'],
    [JSON.stringify({ ...image, annotations: 'a' }), undefined, 'manifest: annotations are no texts by name'],
    [JSON.stringify({ ...image, annotations: { a: 1 } }), undefined, 'manifest: annotations are no texts by name'],
  ])('refuses %s with its reason', (text, mediaType, message) => {
    expect(() => parseManifest(Buffer.from(text), mediaType)).toThrow(
      expect.objectContaining({ code: 'invalid', message }),
    );
  });
});
