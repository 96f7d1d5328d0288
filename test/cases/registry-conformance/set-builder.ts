import { type Digest, type DigestAlgorithm, digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { bytesOf, layerOf } from './contents.ts';
import type { Blob } from './uploads.ts';

export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  [field: string]: unknown;
}

export interface SetManifest extends Blob {
  mediaType: string;
  tags: string[];
  subject?: Digest;
  /** What the referrers list says of its kind. */
  artifactType?: string;
  annotations?: Record<string, string>;
}

interface ManifestOptions {
  tags?: string[];
  /** Any fields, known and unknown. */
  fields?: Record<string, unknown>;
  artifactType?: string;
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

interface ImageOptions extends ManifestOptions {
  /** How many; two unless said otherwise. */
  layers?: number;
  compressed?: boolean;
  config?: 'image' | 'empty';
  configFields?: Record<string, unknown>;
  /** Descriptors of layers that are not pushed. */
  elsewhere?: Descriptor[];
  /** Descriptors carry their bytes too. */
  inline?: boolean;
}

/** Puts images and indexes together; what has been made is in `blobs` and `manifests`, in the order of a push. */
export class SetBuilder {
  readonly blobs: Blob[] = [];
  readonly manifests: SetManifest[] = [];
  readonly algorithm: DigestAlgorithm;
  readonly #name: string;
  #made = 0;

  constructor(name: string, algorithm: DigestAlgorithm = 'sha256') {
    this.#name = name;
    this.algorithm = algorithm;
  }

  async image(options: ImageOptions = {}): Promise<Descriptor> {
    const { compressed = true, inline = false } = options;
    const count = options.layers ?? 2;
    const type = compressed ? MEDIA.ociLayerGzip : MEDIA.ociLayer;
    const layers: Descriptor[] = [];
    for (let i = 0; i < count; i++)
      layers.push(this.#blob(await layerOf(`${this.#name} ${++this.#made}`, compressed), type, inline));
    const config =
      options.config === 'empty'
        ? this.#blob(Buffer.from('{}'), MEDIA.ociEmpty, inline)
        : this.#blob(this.#config(layers, options.configFields), MEDIA.ociConfig, inline);
    return this.#manifest(MEDIA.ociManifest, { config, layers: [...layers, ...(options.elsewhere ?? [])] }, options, {
      artifactType: options.artifactType ?? config.mediaType,
    });
  }

  /** An artifact with its bytes in layers of a type of its own, or in none but the empty one. */
  artifact(artifactType: string, options: ManifestOptions & { layers?: number } = {}): Descriptor {
    const config = this.#blob(Buffer.from('{}'), MEDIA.ociEmpty);
    const count = options.layers ?? 1;
    const layers = Array.from({ length: count }, () =>
      this.#blob(bytesOf(`${this.#name} ${++this.#made}`, 900), 'application/vnd.example.report.v1'),
    );
    const body = { config, layers: count === 0 ? [config] : layers };
    return this.#manifest(MEDIA.ociManifest, body, { ...options, artifactType }, { artifactType });
  }

  index(children: Descriptor[], options: ManifestOptions = {}): Descriptor {
    const manifests = children.map((child, i) => ({
      ...child,
      platform: { os: 'linux', architecture: ['amd64', 'arm64', 's390x', 'riscv64'][i % 4] },
    }));
    const { artifactType } = options;
    return this.#manifest(MEDIA.ociIndex, { manifests }, options, artifactType === undefined ? {} : { artifactType });
  }

  #manifest(
    mediaType: string,
    body: Record<string, unknown>,
    options: ManifestOptions,
    listed: { artifactType?: string },
  ): Descriptor {
    const { tags = [], fields, artifactType, subject, annotations } = options;
    const value = { schemaVersion: 2, mediaType, artifactType, ...body, subject, annotations, ...fields };
    const bytes = Buffer.from(JSON.stringify(value, undefined, 1));
    const digest = digestOf(bytes, this.algorithm);
    this.manifests.push({
      digest,
      bytes,
      mediaType,
      tags,
      ...listed,
      ...(subject === undefined ? {} : { subject: subject.digest }),
      ...(annotations === undefined ? {} : { annotations }),
    });
    return { mediaType, digest, size: bytes.length };
  }

  #blob(bytes: Buffer, mediaType: string, inline = false): Descriptor {
    const digest = digestOf(bytes, this.algorithm);
    if (!this.blobs.some((blob) => blob.digest === digest)) this.blobs.push({ digest, bytes });
    return { mediaType, digest, size: bytes.length, ...(inline ? { data: bytes.toString('base64') } : {}) };
  }

  #config(layers: Descriptor[], fields: Record<string, unknown> = {}): Buffer {
    const config = {
      architecture: 'amd64',
      os: 'linux',
      author: `${this.#name} ${++this.#made}`,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer.digest)) },
      ...fields,
    };
    return Buffer.from(JSON.stringify(config));
  }
}
