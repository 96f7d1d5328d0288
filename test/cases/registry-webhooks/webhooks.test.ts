import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { signature } from '../../../src/lib/webhook.ts';
import { missingForBuilds, TestServer } from '../../wire/server.ts';

const why = await missingForBuilds();
const KEY = 'between the registry and the chat';

describe.skipIf(why !== '')(`webhooks of a running server${why}`, () => {
  let server: TestServer;
  let chat: Server;
  let folder: string;
  let status = 204;
  const got: { type: string; data: Record<string, unknown>; headers: IncomingHttpHeaders; body: string }[] = [];

  const push = async (image: string, tag: string) => {
    const headers = { authorization: `Bearer ${await server.token()}` };
    const config = Buffer.from('{}');
    const descriptor = { mediaType: MEDIA.ociEmpty, digest: digestOf(config), size: config.length };
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: descriptor,
      layers: [],
      annotations: { tag },
    };
    const base = `${server.url}/v2/${image}`;
    await fetch(`${base}/blobs/uploads/?digest=${descriptor.digest}`, { method: 'POST', headers, body: config });
    const type = { ...headers, 'content-type': MEDIA.ociManifest };
    const put = await fetch(`${base}/manifests/${tag}`, {
      method: 'PUT',
      headers: type,
      body: JSON.stringify(manifest),
    });
    expect(put.status).toBe(201);
  };
  const types = () => got.map(({ type, data }) => `${type} ${data['image']}:${data['tag'] ?? ''}`);

  beforeAll(async () => {
    chat = createServer((request, response) => {
      void text(request).then((body) => {
        if (status < 300) got.push({ ...JSON.parse(body), headers: request.headers, body });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => chat.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(chat.address() as AddressInfo).port}/hook`;
    folder = await mkdtemp(join(tmpdir(), 'slipway-webhooks-'));
    await writeFile(join(folder, 'key'), `${KEY}\n`);
    const hook = `{ url: "${url}", secretFile: "${folder}/key", repositories: [shop/live/*] }`;
    server = await TestServer.start({ config: `webhooks:\n  - ${hook}\n` });
  });
  afterAll(async () => {
    await server?.close();
    chat?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('tells, signed, of what happens in the repositories that were named', async () => {
    await push('shop/other/job', '1');
    await push('shop/live/api', '1.0');
    await expect.poll(types, { timeout: 10_000 }).toEqual(['registry.push api:', 'registry.tag api:1.0']);
    const [, tagged] = got;
    expect(tagged?.data).toMatchObject({ project: 'shop', repository: 'live', image: 'api', tag: '1.0' });
    const { 'webhook-id': id = '', 'webhook-timestamp': at, 'webhook-signature': signed } = tagged?.headers ?? {};
    expect(signed).toBe(signature(Buffer.from(KEY), String(id), Number(at), tagged?.body ?? ''));
  });

  it('tells again of what was refused, also after the server was killed', async () => {
    status = 503;
    await push('shop/live/api', '1.1');
    await expect.poll(() => server.log(), { timeout: 10_000 }).toContain('an event was not taken');
    await server.kill();
    status = 204;
    await server.restart();
    await push('shop/live/api', '1.2');
    await expect
      .poll(types, { timeout: 15_000 })
      .toEqual([
        'registry.push api:',
        'registry.tag api:1.0',
        'registry.push api:',
        'registry.tag api:1.1',
        'registry.push api:',
        'registry.tag api:1.2',
      ]);
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(got.length);
  });
});
