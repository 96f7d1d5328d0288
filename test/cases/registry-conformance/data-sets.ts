import type { DigestAlgorithm } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { bytesOf } from './contents.ts';
import { type Feature, unknownDigest } from './conversation.ts';
import { SetBuilder, type SetManifest } from './set-builder.ts';
import { type Blob, UPLOAD_WAYS, type UploadWay } from './uploads.ts';

/** Images and artifacts that are pushed, listed, pulled and deleted together. */
export interface DataSet {
  name: string;
  blobs: Blob[];
  manifests: SetManifest[];
  /** How its blobs come. */
  ways: readonly UploadWay[];
  needs?: Feature;
  /** Tags are set by the query of a PUT by digest. */
  tagParameters?: boolean;
  /** Its manifest is not what its digest says, and is refused. */
  refused?: boolean;
}

type Recipe = (set: SetBuilder) => Promise<unknown> | unknown;

/** A set of each kind that clients push. Names are those by which runs are compared; what is in them is ours. */
const RECIPES: Record<string, Recipe> = {
  image: (set) => set.image({ tags: ['image'] }),
  'image-uncompressed': (set) => set.image({ compressed: false, tags: ['plain'] }),
  'large-manifest': (set) => set.image({ tags: ['large'], annotations: annotations(390, 10_000) }),
  index: async (set) => set.index([await set.image(), await set.image()], { tags: ['index'] }),
  'nested-index': async (set) => {
    const children = [];
    for (const platforms of [2, 2]) {
      const images = [];
      for (let i = 0; i < platforms; i++) images.push(await set.image());
      children.push(set.index(images));
    }
    set.index(children, { tags: ['nested'] });
  },
  'empty-index': (set) => set.index([], { tags: ['nothing'] }),
  artifact: (set) => set.artifact('application/vnd.example.report.v1', { tags: ['artifact'] }),
  'artifact-index': (set) =>
    set.index([set.artifact('application/vnd.example.a.v1'), set.artifact('application/vnd.example.b.v1')], {
      tags: ['artifacts'],
      artifactType: 'application/vnd.example.bundle.v1',
    }),
  'artifact-without-layers': (set) => set.artifact('application/vnd.example.note.v1', { layers: 0, tags: ['note'] }),
  'artifacts-with-subject': async (set) => {
    const subject = await set.image({ tags: ['subject'] });
    await set.image({ subject, layers: 1 });
    set.artifact('application/vnd.example.signature.v1', {
      subject,
      annotations: { 'org.example.signed-by': 'us' },
      tags: ['signature'],
    });
    set.artifact('application/vnd.example.sbom.v1', {
      subject,
      annotations: { 'org.example.format': 'none', 'org.example.of': 'subject' },
      tags: ['sbom'],
    });
  },
  'index-with-subject': async (set) => {
    const subject = set.index([await set.image(), await set.image()], { tags: ['index-subject'] });
    set.index([set.artifact('application/vnd.example.a.v1'), set.artifact('application/vnd.example.b.v1')], {
      subject,
      tags: ['index-referrer'],
      artifactType: 'application/vnd.example.bundle.v1',
      annotations: { 'org.example.of': 'index' },
    });
    set.index([], { subject, annotations: { 'org.example.of': 'index, without a type' } });
  },
  'missing-subject': (set) => {
    const subject = { mediaType: MEDIA.ociManifest, digest: unknownDigest(), size: 1234 };
    set.artifact('application/vnd.example.early.v1', { subject, tags: ['early'] });
  },
  'data-field': (set) => set.image({ inline: true, tags: ['inline'] }),
  'non-distributable-layers': (set) =>
    set.image({
      layers: 1,
      tags: ['foreign'],
      elsewhere: ['tar', 'tar+gzip', 'tar+zstd'].map((form) => ({
        mediaType: `application/vnd.oci.image.layer.nondistributable.v1.${form}`,
        digest: unknownDigest(),
        size: 123456,
        urls: ['https://layers.example.com/base'],
      })),
    }),
  'custom-fields': async (set) => {
    const odd = { 'org.example.field': { deep: [1, 'two', null] }, unknown: 'kept' };
    const children = [];
    for (let i = 0; i < 2; i++) children.push(await set.image({ fields: odd, configFields: odd }));
    set.index(children, { fields: odd, tags: ['custom'] });
  },
  'no-layers': (set) => set.image({ layers: 0, tags: ['no-layers'] }),
};

/** All data sets, the ones that profiles leave out included. */
export async function dataSets(): Promise<DataSet[]> {
  const sets: DataSet[] = [];
  for (const [name, recipe] of Object.entries(RECIPES)) sets.push(await dataSet(name, 'sha256', recipe));
  const index = (tags?: string[]): Recipe => {
    return async (set) => set.index([await set.image(), await set.image()], tags === undefined ? {} : { tags });
  };
  sets.push({ ...(await dataSet('sha512', 'sha512', index())), ways: UPLOAD_WAYS });
  for (const algorithm of ['sha256', 'sha512'] as const)
    sets.push({
      ...(await dataSet(
        `tag-param-${algorithm}`,
        algorithm,
        index(['a', 'b', 'm', 'z'].map((tag) => `${algorithm}-${tag}`)),
      )),
      ways: algorithm === 'sha256' ? ['blob-post-put'] : UPLOAD_WAYS,
      needs: 'tag parameters',
      tagParameters: true,
    });
  const bad = await dataSet('bad-digest-image', 'sha256', (set) => set.image());
  const manifests = bad.manifests.map((manifest) => ({
    ...manifest,
    bytes: Buffer.concat([manifest.bytes, Buffer.from(' ')]),
  }));
  sets.push({ ...bad, manifests, refused: true });
  return sets;
}

async function dataSet(name: string, algorithm: DigestAlgorithm, recipe: Recipe): Promise<DataSet> {
  const set = new SetBuilder(name, algorithm);
  await recipe(set);
  return { name, blobs: set.blobs, manifests: set.manifests, ways: ['blob-post-put'] };
}

function annotations(count: number, size: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`org.example.note.${i}`, bytesOf(`note ${i}`, size / 2).toString('hex')]),
  );
}
