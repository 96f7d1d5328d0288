import { createHash } from 'node:crypto';
import type { RegistryClient } from './client.ts';
import type { Repeated } from './connection.ts';

/** Named alike everywhere: PROJECT/REPOSITORY/IMAGE of ours is any path to the others. */
export const IMAGE = 'bench/images/app';
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

const CONFIG = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');

export interface Blob {
  digest: string;
  size: number;
  body: Repeated;
}

/** A manifest of ten small layers, as an application has; no two with different marks are alike. */
export class SmallImage {
  readonly #layers = Array.from({ length: 10 }, (_, i) => Buffer.from(`layer ${i}`));

  async pushBlobs(client: RegistryClient, image: string): Promise<void> {
    for (const bytes of [CONFIG, ...this.#layers])
      await pushBlob(client, image, {
        digest: digestOf(bytes),
        size: bytes.length,
        body: { block: bytes, times: 1 },
      });
  }

  manifest(mark: string): Buffer {
    const value = {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor('application/vnd.oci.image.config.v1+json', CONFIG),
      layers: this.#layers.map((bytes) => descriptor('application/vnd.oci.image.layer.v1.tar', bytes)),
      annotations: { 'org.opencontainers.image.revision': mark },
    };
    return Buffer.from(JSON.stringify(value));
  }

  async push(client: RegistryClient, image: string, tag: string, mark: string): Promise<void> {
    await client.call({
      method: 'PUT',
      path: `/v2/${image}/manifests/${tag}`,
      headers: { 'content-type': MANIFEST_TYPE },
      body: this.manifest(mark),
      expect: 201,
    });
  }
}

/** As docker and skopeo push: a session, one PATCH without a length, and the digest at its end. */
export async function pushBlob(client: RegistryClient, image: string, blob: Blob): Promise<void> {
  const begun = await client.call({ method: 'POST', path: `/v2/${image}/blobs/uploads/`, expect: 202 });
  const headers = { 'content-type': 'application/octet-stream' };
  const sent = await client.call({ method: 'PATCH', path: begun.location, headers, body: blob.body, expect: 202 });
  const closing = `${sent.location}${sent.location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`;
  await client.call({ method: 'PUT', path: closing, body: Buffer.alloc(0), expect: 201 });
}

export async function pullBlob(client: RegistryClient, image: string, { digest, size }: Blob): Promise<void> {
  const { bytes } = await client.call({ method: 'GET', path: `/v2/${image}/blobs/${digest}`, expect: 200 });
  if (bytes !== size) throw new Error(`${bytes} bytes of a blob of ${size}`);
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
