import { Problem } from '../lib/problem.ts';
import type { Descriptor } from './descriptor.ts';
import { isDigest } from './digest.ts';
import { isIndexType, MEDIA } from './media-types.ts';

/** OCI manifest.md; Docker's schema 2 has the same shape. */
export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

/** OCI image-index.md; Docker's manifest list has the same shape. */
export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  manifests: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export type Manifest =
  | { kind: 'image'; mediaType: string; value: ImageManifest }
  | { kind: 'index'; mediaType: string; value: ImageIndex };

/**
 * Reads a manifest of any kind. Unknown fields are kept by nobody but harm nobody: the stored bytes are the truth.
 * @param mediaType what the client or registry said; parameters are dropped, and without it the text's own word counts
 * @throws Problem `invalid` with the reason, also for schema 1
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Problem('invalid', 'manifest is not JSON', { cause: error });
  }
  if (!isObject(json)) throw new Problem('invalid', 'manifest is not a JSON object');
  if (json['schemaVersion'] !== 2)
    throw new Problem(
      'invalid',
      `manifest has schemaVersion ${JSON.stringify(json['schemaVersion'])}; only 2 is accepted`,
    );
  const said = mediaType?.split(';')[0]?.trim();
  const own = typeof json['mediaType'] === 'string' ? json['mediaType'] : undefined;
  if (said !== undefined && own !== undefined && said !== own)
    throw new Problem('invalid', `manifest says mediaType ${own}, but was sent as ${said}`);
  const type = said ?? own ?? ('manifests' in json ? MEDIA.ociIndex : MEDIA.ociManifest);
  if (json['subject'] !== undefined) checkDescriptor(json['subject'], 'subject');
  checkTexts(json);
  if (isIndexType(type) || (said === undefined && 'manifests' in json)) {
    const list = json['manifests'];
    if (!Array.isArray(list)) throw new Problem('invalid', 'index has no list of manifests');
    for (const [i, entry] of list.entries()) checkDescriptor(entry, `manifests[${i}]`);
    return { kind: 'index', mediaType: type, value: json as unknown as ImageIndex };
  }
  checkDescriptor(json['config'], 'config');
  const layers = json['layers'];
  if (!Array.isArray(layers)) throw new Problem('invalid', 'manifest has no list of layers');
  for (const [i, entry] of layers.entries()) checkDescriptor(entry, `layers[${i}]`);
  return { kind: 'image', mediaType: type, value: json as unknown as ImageManifest };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What lists of referrers repeat: readers of those lists give up all of it when one entry is malformed. */
function checkTexts({ artifactType, annotations }: Record<string, unknown>): void {
  if (artifactType !== undefined && artifactType !== null && typeof artifactType !== 'string')
    throw new Problem('invalid', 'manifest: artifactType is no text');
  if (annotations === undefined || annotations === null) return;
  if (!isObject(annotations) || Object.values(annotations).some((value) => typeof value !== 'string'))
    throw new Problem('invalid', 'manifest: annotations are no texts by name');
}

function checkDescriptor(value: unknown, where: string): void {
  if (!isObject(value)) throw new Problem('invalid', `manifest: ${where} is missing`);
  if (typeof value['mediaType'] !== 'string') throw new Problem('invalid', `manifest: ${where} has no mediaType`);
  if (typeof value['digest'] !== 'string' || !isDigest(value['digest']))
    throw new Problem('invalid', `manifest: ${where} has no valid digest`);
  if (typeof value['size'] !== 'number' || !Number.isSafeInteger(value['size']) || value['size'] < 0)
    throw new Problem('invalid', `manifest: ${where} has no valid size`);
}
