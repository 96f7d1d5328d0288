import { mkdir } from 'node:fs/promises';
import type { Descriptor } from '../../images/descriptor.ts';
import { digestOf } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { ImageManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { Caller } from '../engine.ts';
import type { CacheExport } from '../request.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import type { Pusher } from '../transfer/push.ts';
import type { UsedRecord } from './build-cache.ts';
import { CacheFolder } from './cache-folder.ts';
import { CACHE_TYPE, writeDocument } from './document.ts';
import type { ForeignRecord } from './imported.ts';

export interface ExportRoom {
  content: ContentStore;
  fetcher: BlobFetcher;
  pusher: Pusher;
}

/**
 * Those of a build's records that others may have: not of a RUN that saw a secret or an agent. `min` leaves out the layers
 * that no image has, and with them their records: a stage that is only copied from has to be built again elsewhere.
 */
export function exportable(
  used: readonly UsedRecord[],
  mode: 'min' | 'max',
  layers: readonly Layer[],
): ForeignRecord[] {
  const wanted = new Set(layers.map(({ diffID }) => diffID));
  return used.flatMap(({ record, inputs: ask }) => {
    if (mode === 'min' && record.layer !== undefined && !wanted.has(record.layer.diffID)) return [];
    const inputs = ask();
    if (inputs.some(({ kind }) => kind === 'private')) return [];
    const { build: _build, importedFrom: _from, ...rest } = record;
    return [{ ...rest, inputs }];
  });
}

/** @returns what was written, for progress @throws Problem as a push or a write does */
export async function exportCache(
  to: Exclude<CacheExport, { kind: 'inline' }>,
  records: readonly ForeignRecord[],
  caller: Caller,
  { content, fetcher, pusher }: ExportRoom,
): Promise<string> {
  const layers = layersOf(records);
  const document = writeDocument(records);
  const config: Descriptor = { mediaType: CACHE_TYPE, digest: digestOf(document), size: document.length };
  const bytes = Buffer.from(JSON.stringify(manifestOf(config, layers)));
  await content.put(document);
  if (to.kind === 'local') {
    await mkdir(to.path, { recursive: true });
    await new CacheFolder(to.path).write(bytes, [config, ...layers], async (blob) => {
      await fetcher.ensure([blob], caller.signal);
      return await content.open(blob.digest);
    });
  } else {
    const { digest, size } = await content.put(bytes);
    await pusher.pushArtifact(to.reference, { mediaType: MEDIA.ociManifest, digest, size }, caller);
  }
  return `${records.length} steps, ${layers.length} layers`;
}

function layersOf(records: readonly ForeignRecord[]): Descriptor[] {
  const layers = new Map(
    records.flatMap(({ layer }) => (layer === undefined ? [] : [[layer.blob.digest, layer.blob]])),
  );
  return [...layers.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

function manifestOf(config: Descriptor, layers: Descriptor[]): ImageManifest {
  return {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    artifactType: CACHE_TYPE,
    config,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  };
}
