import { expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { describeManifest } from './describe.ts';

const describeJson = (json: object) => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...json }));
  return describeManifest(parseManifest(bytes), digestOf(bytes), bytes.length);
};
const entry = (mediaType: string, text: string, more: object = {}) => ({
  mediaType,
  digest: digestOf(text),
  size: text.length,
  ...more,
});

it('requires config and layers, once each, but no layer that says where else it lies', () => {
  const described = describeJson({
    mediaType: MEDIA.ociManifest,
    config: entry(MEDIA.ociConfig, 'config'),
    layers: [
      entry(MEDIA.ociLayerGzip, 'layer'),
      entry(MEDIA.ociLayerGzip, 'layer'),
      entry(MEDIA.ociLayerGzip, 'elsewhere', { urls: ['https://example.com/layer'] }),
      entry(MEDIA.dockerForeignLayer, 'foreign'),
    ],
  });
  expect(described.required).toEqual([digestOf('config'), digestOf('layer')]);
  expect(described.blobs).toEqual(['config', 'layer', 'elsewhere', 'foreign'].map((text) => digestOf(text)));
  expect(described).toMatchObject({ children: [], artifactType: MEDIA.ociConfig });
});

it('takes children of an index as they come, and requires the layers that caches put there', () => {
  const described = describeJson({
    mediaType: MEDIA.ociIndex,
    manifests: [entry(MEDIA.ociManifest, 'amd64'), entry(MEDIA.dockerList, 'list'), entry(MEDIA.ociLayerGzip, 'cache')],
  });
  expect(described.children).toEqual([digestOf('amd64'), digestOf('list')]);
  expect(described.required).toEqual([digestOf('cache')]);
  expect(described.artifactType).toBeUndefined();
});

it('keeps type, annotations and subject for those who ask for referrers', () => {
  const described = describeJson({
    mediaType: MEDIA.ociManifest,
    artifactType: 'application/x-sbom',
    config: entry(MEDIA.ociEmpty, '{}'),
    layers: [],
    subject: entry(MEDIA.ociManifest, 'image'),
    annotations: { by: 'test' },
  });
  expect(described).toMatchObject({
    artifactType: 'application/x-sbom',
    subject: digestOf('image'),
    annotations: { by: 'test' },
  });
});
