import type { Readable } from 'node:stream';
import { readSmall } from '../lib/bytes.ts';
import { messageOf, Problem } from '../lib/problem.ts';
import type { ImageConfig } from './config.ts';
import { decodeLayer } from './decompress.ts';
import type { Descriptor } from './descriptor.ts';
import { type Digest, Digester, digestAlgorithm, isDigest } from './digest.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { isImageManifestType, isIndexType } from './media-types.ts';

/** One claim that the bytes don't bear out. */
export interface Mismatch {
  /** The way to it: `manifests[1] > layers[0]`; empty for the image itself. */
  where: string;
  digest: Digest;
  what: string;
}

/** The bytes of a blob, unchecked. @throws Problem `not-found` */
export type BlobReader = (descriptor: Descriptor) => Promise<Readable>;

const DOCUMENT_LIMIT = 8 << 20;

/** Configs whose `rootfs` speaks of the layers; those of Helm charts, caches and the like are just blobs. */
const IMAGE_CONFIG = /^application\/vnd\.(?:oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/;

/**
 * Recomputes every claim of an image or index from its bytes: digests, sizes, diffIDs, and that config and manifest speak
 * of the same layers. Finds all mismatches, not only the first; an empty list means that the image is whole. Blobs that
 * several manifests share are read once.
 */
export async function validateImage(image: Descriptor, read: BlobReader): Promise<Mismatch[]> {
  const validation = new Validation(read);
  await validation.manifest(image, '');
  return validation.mismatches;
}

class Validation {
  readonly mismatches: Mismatch[] = [];
  readonly #read: BlobReader;
  readonly #manifests = new Set<Digest>();
  /** What layers unpack to; undefined where that can't be told. */
  readonly #diffIDs = new Map<Digest, Digest | undefined>();

  constructor(read: BlobReader) {
    this.#read = read;
  }

  async manifest(descriptor: Descriptor, where: string): Promise<void> {
    if (this.#manifests.has(descriptor.digest)) return;
    this.#manifests.add(descriptor.digest);
    const bytes = await this.#document(descriptor, where);
    const manifest = bytes === undefined ? undefined : this.#parse(descriptor, where, bytes);
    if (manifest === undefined) return;
    if (manifest.kind === 'index') {
      for (const [i, child] of manifest.value.manifests.entries()) {
        const place = step(where, `manifests[${i}]`);
        // Old build caches keep layers where an index has manifests.
        if (isIndexType(child.mediaType) || isImageManifestType(child.mediaType)) await this.manifest(child, place);
        else await this.#layer(child, place);
      }
      return;
    }
    const { config, layers } = manifest.value;
    const configBytes = await this.#document(config, step(where, 'config'));
    const diffIDs =
      configBytes === undefined || !IMAGE_CONFIG.test(config.mediaType)
        ? undefined
        : this.#diffIDsOf(config, step(where, 'config'), configBytes);
    if (diffIDs !== undefined && diffIDs.length !== layers.length)
      this.#note(where, descriptor, `the manifest has ${layers.length} layers, its config ${diffIDs.length}`);
    for (const [i, layer] of layers.entries()) {
      const place = step(where, `layers[${i}]`);
      const found = await this.#layer(layer, place);
      const claimed = diffIDs?.[i];
      if (found !== undefined && claimed !== undefined && found !== claimed)
        this.#note(place, layer, `unpacks to ${found}, but the config says ${claimed}`);
    }
  }

  /** Measures a blob while it is unpacked, in one pass. */
  async #layer(descriptor: Descriptor, where: string): Promise<Digest | undefined> {
    if (this.#diffIDs.has(descriptor.digest)) return this.#diffIDs.get(descriptor.digest);
    // Layers that may not be distributed are nowhere but at their URLs.
    if (descriptor.urls !== undefined && descriptor.urls.length > 0) return undefined;
    let diffID: Digest | undefined;
    await this.#measured(descriptor, where, async (bytes) => {
      const digester = new Digester();
      for await (const chunk of decodeLayer(bytes, descriptor.mediaType)) digester.update(chunk);
      diffID = digester.finish();
    });
    this.#diffIDs.set(descriptor.digest, diffID);
    return diffID;
  }

  async #document(descriptor: Descriptor, where: string): Promise<Buffer | undefined> {
    let document: Buffer | undefined;
    await this.#measured(descriptor, where, async (bytes) => {
      document = await readSmall(bytes, DOCUMENT_LIMIT);
    });
    return document;
  }

  async #measured(
    descriptor: Descriptor,
    where: string,
    use: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<void> {
    const digester = new Digester(digestAlgorithm(descriptor.digest));
    try {
      const stream = await this.#read(descriptor);
      const passing = async function* () {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) {
          digester.update(chunk);
          yield chunk;
        }
      };
      await use(passing());
    } catch (error) {
      this.#note(where, descriptor, unreadable(error));
      return;
    }
    if (digester.size !== descriptor.size)
      this.#note(where, descriptor, `has ${digester.size} bytes, but its descriptor says ${descriptor.size}`);
    const found = digester.finish();
    if (found !== descriptor.digest) this.#note(where, descriptor, `has the digest ${found}`);
  }

  #parse(descriptor: Descriptor, where: string, bytes: Buffer): Manifest | undefined {
    try {
      return parseManifest(bytes, descriptor.mediaType);
    } catch (error) {
      this.#note(where, descriptor, messageOf(error));
      return undefined;
    }
  }

  #diffIDsOf(descriptor: Descriptor, where: string, bytes: Buffer): Digest[] | undefined {
    try {
      const { rootfs } = JSON.parse(bytes.toString('utf8')) as Partial<ImageConfig>;
      const list: unknown = rootfs?.diff_ids;
      if (Array.isArray(list) && list.every((entry) => typeof entry === 'string' && isDigest(entry))) return list;
      this.#note(where, descriptor, 'has no valid list of diff_ids');
    } catch (error) {
      this.#note(where, descriptor, `is not JSON: ${messageOf(error)}`);
    }
    return undefined;
  }

  #note(where: string, { digest }: Descriptor, what: string): void {
    this.mismatches.push({ where, digest, what });
  }
}

function step(where: string, name: string): string {
  return where === '' ? name : `${where} > ${name}`;
}

function unreadable(error: unknown): string {
  return error instanceof Problem && error.code === 'not-found' ? 'is missing' : `can't be read: ${messageOf(error)}`;
}
