import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { MEDIA } from '../../../src/images/media-types.ts';
import { hostPlatform } from '../../../src/images/platform.ts';
import { mirrorConfig, TestServer } from '../server.ts';

export const LOCATION = 'europe-central2';

/** A server that asks for no token, because most recordings were made without one, and one that does. */
export interface World {
  open: TestServer;
  closed: TestServer;
  close(): Promise<void>;
}

export async function makeWorld(): Promise<World> {
  const [open, closed] = await Promise.all([
    mirrorConfig('auth: none\n').then((config) => TestServer.start({ config })),
    TestServer.start(),
  ]);
  return {
    open,
    closed,
    async close() {
      await Promise.all([open.close(), closed.close()]);
    },
  };
}

/** The server's HTTP doors as a set-up uses them. */
export class Doors {
  readonly #url: string;
  constructor(url: string) {
    this.#url = url;
  }

  async json(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  }

  async bucket(project: string, name: string, objects: Record<string, Buffer> = {}): Promise<void> {
    await this.json('POST', `/storage/v1/b?project=${project}`, { name });
    for (const [object, bytes] of Object.entries(objects)) await this.object(name, object, bytes);
  }

  async object(bucket: string, name: string, bytes: Buffer): Promise<void> {
    const path = `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`;
    const answer = await fetch(`${this.#url}${path}`, { method: 'POST', body: new Uint8Array(bytes) });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  }

  /** Submits a build in LOCATION and gives its id; `until` waits for a status that it has then. */
  async build(project: string, request: object, until?: RegExp, location = LOCATION): Promise<string> {
    const base = `/v1/projects/${project}/locations/${location}/builds`;
    const { metadata } = (await this.json('POST', base, request)) as { metadata: { build: { id: string } } };
    const { id } = metadata.build;
    for (const end = Date.now() + 240_000; until !== undefined; ) {
      const { status } = (await this.json('GET', `${base}/${id}`)) as { status: string };
      if (until.test(status)) break;
      if (Date.now() > end) throw new Error(`build ${id} is ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return id;
  }

  repository(project: string, name: string, description?: string): Promise<Record<string, unknown>> {
    const path = `/v1/projects/${project}/locations/${LOCATION}/repositories?repositoryId=${name}`;
    return this.json('POST', path, { format: 'DOCKER', description });
  }

  /** Pushes an image of one small layer under these tags, and gives its digest. */
  async image(project: string, repository: string, name: string, tags: readonly string[]): Promise<string> {
    const base = `/v2/${project}/${repository}/${name}`;
    const layer = gzipSync(Buffer.alloc(1024));
    const diff = digest(Buffer.alloc(1024));
    const config = Buffer.from(
      JSON.stringify({ ...hostPlatform(), config: {}, rootfs: { type: 'layers', diff_ids: [diff] }, history: [] }),
    );
    for (const blob of [layer, config]) await this.#blob(base, blob);
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: { mediaType: MEDIA.ociConfig, digest: digest(config), size: config.length },
      layers: [{ mediaType: MEDIA.ociLayerGzip, digest: digest(layer), size: layer.length }],
    });
    for (const tag of tags) {
      const headers = { 'content-type': MEDIA.ociManifest };
      const answer = await fetch(`${this.#url}${base}/manifests/${tag}`, { method: 'PUT', headers, body: manifest });
      if (!answer.ok) throw new Error(`PUT ${base}/manifests/${tag}: ${answer.status} ${await answer.text()}`);
    }
    return digest(Buffer.from(manifest));
  }

  async #blob(base: string, bytes: Buffer): Promise<void> {
    const path = `${base}/blobs/uploads/?digest=${digest(bytes)}`;
    const answer = await fetch(`${this.#url}${path}`, { method: 'POST', body: new Uint8Array(bytes) });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  }
}

function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
