import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../digest.ts';
import { MEDIA } from '../media-types.ts';
import { createRegistryClient, type RegistryClient } from './client.ts';
import type { RegistryHosts } from './hosts.ts';

const servers: Server[] = [];
const clients: RegistryClient[] = [];

/** A registry that does what one test needs. */
async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(hosts: RegistryHosts = {}): RegistryClient {
  const made = createRegistryClient(hosts, { retryDelay: 1 });
  clients.push(made);
  return made;
}

afterEach(async () => {
  for (const each of clients.splice(0)) each.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const blob = { mediaType: MEDIA.ociLayer, digest: digestOf('an image'), size: 8 };

describe('what refers to an image', () => {
  const index = (...manifests: object[]) => JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests });
  const entry = { mediaType: MEDIA.ociManifest, digest: digestOf('sbom'), size: 4, artifactType: 'a/sbom' };

  it('comes from the referrers API, or from the fallback tag where there is none', async () => {
    const modern = await serve((_, response) =>
      response.writeHead(200, { 'content-type': MEDIA.ociIndex }).end(index(entry)),
    );
    expect(await client().referrers(modern, 'a', blob.digest)).toEqual([entry]);
    const paths: string[] = [];
    const old = await serve((request, response) => {
      paths.push(String(request.url));
      if (request.url?.includes('/referrers/')) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': MEDIA.ociIndex }).end(index(entry));
    });
    expect(await client().referrers(old, 'a', blob.digest)).toEqual([entry]);
    expect(paths.at(-1)).toBe(`/v2/a/manifests/${blob.digest.replace(':', '-')}`);
  });

  it('comes in pages', async () => {
    const other = { ...entry, digest: digestOf('signature') };
    const host = await serve((request, response) => {
      const isFirst = !request.url?.includes('last=');
      if (isFirst) response.setHeader('link', `<${request.url}?last=x>; rel="next"`);
      response.writeHead(200, { 'content-type': MEDIA.ociIndex }).end(index(isFirst ? entry : other));
    });
    expect(await client().referrers(host, 'a', blob.digest)).toEqual([entry, other]);
  });

  it('is asked of the registry itself where a mirror has none, which counts when that is all that answers', async () => {
    const mirror = await serve((_, response) => void response.writeHead(404).end());
    const origin = await serve((_, response) =>
      response.writeHead(200, { 'content-type': MEDIA.ociIndex }).end(index(entry)),
    );
    const mirrored = (host: string) => client({ mirrors: { [host]: [`http://${mirror}`] } });
    expect(await mirrored(origin).referrers(origin, 'a', blob.digest)).toEqual([entry]);
    expect(await mirrored('127.0.0.1:1').referrers('127.0.0.1:1', 'a', blob.digest)).toEqual([]);
    expect(await mirrored('127.0.0.1:1').presentTags('127.0.0.1:1', 'a', ['x'])).toEqual([]);
    await expect(client().referrers('127.0.0.1:1', 'a', blob.digest)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is listed under the fallback tag when a registry neither says that it does so nor has the API', async () => {
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA.ociManifest,
        artifactType: 'a/signature',
        config: { ...blob, mediaType: MEDIA.ociEmpty },
        layers: [],
        subject: blob,
      }),
    );
    const puts = async (answer: { subject: boolean; api: boolean }) => {
      const seen: [path: string, body: string][] = [];
      const host = await serve(async (request, response) => {
        const path = request.url ?? '';
        if (request.method === 'PUT') {
          let body = '';
          for await (const chunk of request) body += String(chunk);
          seen.push([path, body]);
          if (answer.subject) response.setHeader('oci-subject', blob.digest);
          response.writeHead(201).end();
        } else if (path.includes('/referrers/') ? answer.api : request.method === 'GET')
          response.writeHead(200, { 'content-type': MEDIA.ociIndex }).end(index(entry));
        else response.writeHead(404).end();
      });
      await client().putManifest(host, 'a', digestOf(manifest), manifest, MEDIA.ociManifest);
      return seen.slice(1);
    };
    expect(await puts({ subject: true, api: false })).toEqual([]);
    expect(await puts({ subject: false, api: true })).toEqual([]);
    const [[path, body] = ['', ''], ...more] = await puts({ subject: false, api: false });
    expect([path, more]).toEqual([`/v2/a/manifests/${blob.digest.replace(':', '-')}`, []]);
    const listed = {
      mediaType: MEDIA.ociManifest,
      digest: digestOf(manifest),
      size: manifest.length,
      artifactType: 'a/signature',
    };
    expect(JSON.parse(body).manifests).toEqual([entry, listed]);
  });
});
