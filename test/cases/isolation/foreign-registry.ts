import type { Descriptor } from '../../../src/images/descriptor.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { serveWeb, type WebServer } from '../image-build-sources/web-server.ts';

/** A registry of somebody's own, which says whatever he likes. */
export interface ForeignRegistry extends Pick<WebServer, 'requests' | 'close'> {
  host: string;
  /** What it has, by the last part of the path; a string is what it claims by HEAD and never gives. */
  served: Map<string, Buffer | string>;
  /** Serves bytes, or a value as JSON, under its digest and other names. */
  serve(value: object, ...names: string[]): Descriptor;
}

export async function openForeignRegistry(): Promise<ForeignRegistry> {
  const served: ForeignRegistry['served'] = new Map();
  const {
    url: address,
    requests,
    close,
  } = await serveWeb(({ method, url = '' }, response) => {
    const found = url === '/v2/' ? Buffer.alloc(0) : served.get(url.split('/').at(-1) ?? '');
    const isThere = Buffer.isBuffer(found) || (method === 'HEAD' && found !== undefined);
    response.statusCode = isThere ? 200 : 404;
    response.setHeader('content-type', Buffer.isBuffer(found) ? typeOf(found) : MEDIA.ociManifest);
    if (found !== undefined)
      response.setHeader('docker-content-digest', Buffer.isBuffer(found) ? digestOf(found) : found);
    response.end(Buffer.isBuffer(found) ? found : undefined);
  });
  const serve: ForeignRegistry['serve'] = (value, ...names) => {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    for (const name of [digest, ...names]) served.set(name, bytes);
    return { mediaType: typeOf(bytes), digest, size: bytes.length };
  };
  return { host: new URL(address).host, requests, close, served, serve };
}

function typeOf(bytes: Buffer): string {
  try {
    return JSON.parse(bytes.toString()).mediaType ?? 'application/octet-stream';
  } catch {
    return 'application/octet-stream';
  }
}
