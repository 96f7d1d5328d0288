import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Digest, digestOf, isDigest } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { stopServer } from '../../wire/debian-registry.ts';

export interface PlantedImage {
  digest: Digest;
  bytes: Buffer;
  config: Digest;
  layers: Digest[];
}

type Plan = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** Somebody else's registry, held in memory, which fails where a test plants a failure, and remembers what it was asked. */
export class PlantedUpstream {
  /** `METHOD /v2/...`, oldest first. */
  readonly seen: string[] = [];
  readonly tags = new Map<string, Digest>();
  readonly blobs = new Map<Digest, Buffer>();
  readonly manifests = new Map<Digest, { type: string; bytes: Buffer }>();
  /** Answers in place of the registry, when it gives true. */
  plan: Plan = () => false;
  /** Written on each manifest's answer. */
  headers: Record<string, string> = {};
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.seen.push(`${request.method} ${request.url}`);
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<PlantedUpstream> {
    const upstream = new PlantedUpstream();
    await upstream.listen();
    return upstream;
  }

  /** Again on the same port, after `stop`. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    return stopServer(this.#server);
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Requests since the last call, `GET manifests` shortened to method and kind. */
  took(): string[] {
    return this.seen.splice(0).map((line) => {
      const [method, path = ''] = line.split(' ');
      const kind = /\/(manifests|blobs|referrers)\/([^/?]+)/.exec(path);
      return kind === null ? `${method} ${path}` : `${method} ${kind[1]} ${kind[2]?.includes(':') ? 'digest' : 'tag'}`;
    });
  }

  /** An image of one layer of these bytes. */
  image(name: string, layer: Buffer | string, platform = { os: 'linux', architecture: 'amd64' }): PlantedImage {
    const layerBytes = Buffer.from(layer);
    const config = Buffer.from(
      JSON.stringify({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layerBytes)] } }),
    );
    const descriptor = (mediaType: string, bytes: Buffer) => {
      const digest = digestOf(bytes);
      this.blobs.set(digest, bytes);
      return { mediaType, digest, size: bytes.length };
    };
    const value = {
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: descriptor(MEDIA.ociConfig, config),
      layers: [descriptor(MEDIA.ociLayer, layerBytes)],
    };
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = this.#manifest(name, MEDIA.ociManifest, bytes);
    return { digest, bytes, config: value.config.digest, layers: value.layers.map((each) => each.digest) };
  }

  index(name: string, ...images: [image: PlantedImage, architecture: string][]): { digest: Digest; bytes: Buffer } {
    const manifests = images.map(([{ digest, bytes }, architecture]) => ({
      mediaType: MEDIA.ociManifest,
      digest,
      size: bytes.length,
      platform: { os: 'linux', architecture },
    }));
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests }));
    return { digest: this.#manifest(name, MEDIA.ociIndex, bytes), bytes };
  }

  #manifest(name: string, type: string, bytes: Buffer): Digest {
    const digest = digestOf(bytes);
    this.manifests.set(digest, { type, bytes });
    if (name !== '') this.tags.set(name, digest);
    return digest;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.plan(request, response)) return;
    const url = new URL(request.url ?? '/', 'http://upstream');
    const [, name = '', kind = '', what = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(url.pathname) ?? [];
    const send = (bytes: Buffer, headers: Record<string, string>, status = 200) => {
      response.writeHead(status, { 'content-length': bytes.length, ...headers });
      response.end(request.method === 'HEAD' ? undefined : bytes);
    };
    const absent = () => response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[]}');
    if (kind === 'tags') {
      const tags = [...this.tags.keys()].filter((tag) => tag.startsWith(`${name}:`)).map((tag) => tag.split(':')[1]);
      if (tags.length === 0) absent();
      else send(Buffer.from(JSON.stringify({ name, tags })), { 'content-type': 'application/json' });
    } else if (kind === 'manifests') {
      const digest = isDigest(what) ? what : this.tags.get(`${name}:${what}`);
      const found = digest === undefined ? undefined : this.manifests.get(digest);
      if (digest === undefined || found === undefined) absent();
      else send(found.bytes, { 'content-type': found.type, 'docker-content-digest': digest, ...this.headers });
    } else if (kind === 'blobs') {
      const bytes = this.blobs.get(what as Digest);
      const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (bytes === undefined) absent();
      else if (start === 0) send(bytes, {});
      else send(bytes.subarray(start), { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }, 206);
    } else absent();
  }
}
