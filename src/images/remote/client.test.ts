import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../digest.ts';
import { MEDIA } from '../media-types.ts';
import { isPublicAddress } from './address-guard.ts';
import { createRegistryClient, type RegistryClient } from './client.ts';
import type { RegistryHosts } from './hosts.ts';
import type { TransportOptions } from './transport.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
const clients: RegistryClient[] = [];

/** A registry that does what one test needs. */
async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(hosts: RegistryHosts = {}, options: TransportOptions = {}): RegistryClient {
  const made = createRegistryClient(hosts, { retryDelay: 1, ...options });
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

const bytes = Buffer.from('the bytes of a blob');
const blob = { mediaType: MEDIA.ociLayer, digest: digestOf(bytes), size: bytes.length };

async function text(stream: Promise<Readable>): Promise<string> {
  let all = '';
  for await (const chunk of await stream) all += String(chunk);
  return all;
}

describe('a registry that is busy', () => {
  it('is asked again, and not sooner than it says', async () => {
    const times: number[] = [];
    const host = await serve((_, response) => {
      times.push(Date.now());
      if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (times.length === 2) response.writeHead(503).end();
      else response.end(bytes);
    });
    expect(await text(client().blob(host, 'a', blob))).toBe(String(bytes));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('is left alone when it wants a long time, and its words are passed on', async () => {
    let asked = 0;
    const host = await serve((request, response) => {
      asked++;
      response.writeHead(429, { 'retry-after': '3600' });
      response.end(
        JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }] }),
      );
      request.resume();
    });
    await expect(client().manifest(host, 'a', digestOf('x'))).rejects.toMatchObject({
      code: 'exhausted',
      message: 'toomanyrequests: You have reached your pull rate limit.',
    });
    expect(asked).toBe(1);
  });
});

it('bytes that the reader measures are looked at for their number alone', async () => {
  const sent = [Buffer.alloc(bytes.length, '?'), Buffer.concat([bytes, bytes])];
  const host = await serve((_, response) => response.end(sent.shift()));
  expect(await text(client().blob(host, 'a', blob, { digest: false }))).toBe('?'.repeat(bytes.length));
  await expect(text(client().blob(host, 'a', blob, { digest: false }))).rejects.toMatchObject({ code: 'invalid' });
});

describe('credentials', () => {
  const credentials = async () => ({ username: 'ann', password: 'secret' });
  const basic = `Basic ${Buffer.from('ann:secret').toString('base64')}`;

  it('go by Basic where that is asked, and stay behind on a redirect to another host', async () => {
    const seen: (string | undefined)[] = [];
    const storage = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end(bytes);
    });
    const host = await serve((request, response) => {
      if (request.headers.authorization !== basic)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else response.writeHead(307, { location: `http://${storage}/blob?signature=1` }).end();
    });
    expect(await text(client({ credentials }).blob(host, 'a', blob))).toBe(String(bytes));
    expect(seen).toEqual([undefined]);
  });

  it('are not given to whom a registry redirects to, even when that one asks', async () => {
    const asked: string[] = [];
    const thief = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${thief}/token"` }).end();
    });
    const host = await serve((_, response) => void response.writeHead(302, { location: `http://${thief}/x` }).end());
    await expect(client({ credentials }).blob(host, 'a', blob)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked).toEqual(['/x']);
  });

  it('go by POST where the token service has no GET, and as an identity token', async () => {
    const forms: string[] = [];
    const host = await serve((request, response) => {
      if (request.url?.startsWith('/token')) {
        if (request.method === 'GET') return void response.writeHead(405).end();
        let form = '';
        request.on('data', (chunk) => {
          form += chunk;
        });
        request.on('end', () => {
          forms.push(form);
          response.end('{"access_token":"good"}');
        });
      } else if (request.headers.authorization === 'Bearer good') response.end(bytes);
      else response.writeHead(401, { 'www-authenticate': 'Bearer realm="/token",service="lab"' }).end();
    });
    await text(client({ credentials }).blob(host, 'a', blob));
    await text(
      client({ credentials: async () => ({ username: '<token>', password: 'refresh' }) }).blob(host, 'a', blob),
    );
    const form = 'service=lab&client_id=slipway&scope=repository%3Aa%3Apull';
    expect(forms).toEqual([
      `${form}&grant_type=password&username=ann&password=secret`,
      `${form}&grant_type=refresh_token&refresh_token=refresh`,
    ]);
  });

  it('renew a token that the registry no longer takes', async () => {
    let issued = 0;
    const host = await serve((request, response) => {
      if (request.url?.startsWith('/token')) response.end(JSON.stringify({ token: `t${++issued}`, expires_in: 300 }));
      else if (request.headers.authorization === `Bearer t${issued}` && issued !== 1) response.end(bytes);
      else response.writeHead(401, { 'www-authenticate': 'Bearer realm="/token"' }).end();
    });
    expect(await text(client().blob(host, 'a', blob))).toBe(String(bytes));
    expect(issued).toBe(2);
  });
});

describe('time', () => {
  const limits = { connect: 100, idle: 100, commit: 400 };

  it('runs out when nothing moves', async () => {
    const host = await serve(() => undefined);
    const stuck = client({}, { limits }).tags(host, 'a');
    await expect(stuck).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('nothing moved for 0.1 s'),
    });
  });

  it('does not run out on a slow transfer, a slow reader, a slow source or a slow commit', async () => {
    const big = Buffer.alloc(4 << 20, 'x');
    const host = await serve(async (request, response) => {
      if (request.method === 'POST') return void response.writeHead(202, { location: '/upload' }).end();
      if (request.method === 'PUT') {
        for await (const _ of request);
        await sleep(250);
        return void response.writeHead(201).end();
      }
      if (request.url?.includes('/slow/')) {
        for (const byte of bytes) {
          response.write(Buffer.from([byte]));
          await sleep(15);
        }
        response.end();
      } else response.end(big);
    });
    const ours = client({}, { limits });
    expect(await text(ours.blob(host, 'slow', blob))).toBe(String(bytes));
    let read = 0;
    for await (const chunk of await ours.blob(host, 'big', { ...blob, digest: digestOf(big), size: big.length })) {
      if (read === 0) await sleep(300);
      read += (chunk as Buffer).length;
    }
    expect(read).toBe(big.length);
    const source = async () =>
      (async function* () {
        await sleep(250);
        yield bytes;
      })();
    await ours.pushBlob(host, 'slow', blob, source);
  });
});

it('follows the pages of a tag list, but to no other host', async () => {
  const pages: Record<string, [string[], string?]> = {
    '/v2/a/tags/list?n=1000': [['b', 'a'], '</v2/a/tags/list?last=b>; rel="next"'],
    '/v2/a/tags/list?last=b': [['c'], '<http://elsewhere.invalid/v2/a/tags/list?last=c>; rel="next"'],
    '/v2/a/tags/list?last=c': [['d']],
  };
  const host = await serve((request, response) => {
    const [tags, link] = pages[request.url ?? ''] ?? [[]];
    if (link !== undefined) response.setHeader('link', link);
    response.end(JSON.stringify({ name: 'a', tags }));
  });
  expect(await client().tags(host, 'a')).toEqual(['a', 'b', 'c', 'd']);
});

it('refuses addresses that are not allowed, by name, by number and after a redirect', async () => {
  const host = await serve(
    (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
  );
  const allowAddress = (address: string) => !address.startsWith('169.254.') && address !== '::1';
  const refused = { code: 'denied', message: '169.254.169.254: this server makes no connections there' };
  await expect(client({ allowAddress }).tags(host, 'a')).rejects.toMatchObject(refused);
  await expect(client({ allowAddress }).tags('169.254.169.254', 'a')).rejects.toMatchObject(refused);
  const none = client({ allowAddress: () => false }).tags('localhost:1', 'a');
  await expect(none).rejects.toMatchObject({ code: 'denied', message: expect.stringContaining('localhost is ') });
});

it('speaks to a host that the owner named, wherever it is, and by that port only', async () => {
  const host = await serve((_, response) => void response.end(JSON.stringify({ name: 'a', tags: ['x'] })));
  const other = await serve((_, response) => void response.end('{}'));
  const named = client({ allowAddress: isPublicAddress, isNamed: (asked) => asked === host });
  expect(await named.tags(host, 'a')).toEqual(['x']);
  await expect(named.tags(other, 'a')).rejects.toMatchObject({ code: 'denied' });
});

it.each([
  ['8.8.8.8', true],
  ['2606:4700::1111', true],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['172.31.0.1', false],
  ['100.100.100.200', false],
  ['169.254.169.254', false],
  ['::1', false],
  ['fe80::1', false],
  ['fd00:ec2::254', false],
  ['::ffff:169.254.169.254', false],
  ['::ffff:7f00:1', false],
  ['::ffff:8.8.8.8', true],
  ['::7f00:1', false],
  ['64:ff9b:1::7f00:1', false],
  ['2002:7f00:1::', false],
  ['2001:0:7f00:1::', false],
  ['2001:4860:4860::8888', true],
  ['fec0::1', false],
])('takes %s for public: %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

it('says what a manifest lacks, and reads the pull quota beside it', async () => {
  const manifest = Buffer.from('{"schemaVersion":2,"manifests":[]}');
  const host = await serve((request, response) => {
    response.setHeader('ratelimit-limit', '100;w=21600');
    response.setHeader('ratelimit-remaining', '93;w=21600');
    if (request.method === 'HEAD') response.writeHead(405).end();
    else response.end(manifest);
  });
  const found = await client().resolve({ host, repository: 'a', tag: '1' });
  expect(found.descriptor).toEqual({ mediaType: MEDIA.ociIndex, digest: digestOf(manifest), size: manifest.length });
  expect(found.rateLimit).toMatchObject({ limit: 100, remaining: 93, window: 21_600 });
  const wrong = client().manifest(host, 'a', digestOf('other'));
  await expect(wrong).rejects.toThrow(`manifest verification failed for digest ${digestOf('other')}`);
});

it('leaves no connection behind when a blob is not read', async () => {
  let closed = 0;
  const host = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 10 << 20 });
    response.write(Buffer.alloc(1 << 20));
    response.once('close', () => closed++);
  });
  const stream = await client().blob(host, 'a', { ...blob, size: 10 << 20 });
  stream.destroy();
  await expect.poll(() => closed).toBe(1);
});

it('says so when a server does not speak TLS', async () => {
  const host = await serve((_, response) => void response.end());
  const hosts = { mirrors: { '127.0.0.1:9': [`https://${host}`] } };
  await expect(client(hosts).tags('127.0.0.1:9', 'a')).rejects.toMatchObject({
    message: 'Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
    hint: expect.stringContaining('http: server gave HTTP response to HTTPS client'),
  });
});

describe('a check of what is kept', () => {
  const reference = (host: string) => ({ host, repository: 'a', tag: '1' });

  it('tells found, absent and silent apart by one HEAD, and refusals by their code', async () => {
    const requests: string[] = [];
    const answers: ((response: ServerResponse) => void)[] = [
      (response) =>
        response.writeHead(200, {
          'content-type': MEDIA.ociManifest,
          'docker-content-digest': blob.digest,
          'content-length': 7,
        }),
      (response) => response.writeHead(404),
      (response) => response.writeHead(405),
      (response) => response.writeHead(200, { 'content-type': MEDIA.ociManifest, 'content-length': 7 }),
      (response) => response.writeHead(429),
      (response) => response.writeHead(503),
    ];
    const host = await serve((request, response) => {
      requests.push(String(request.method));
      answers[requests.length - 1]?.(response);
      response.end();
    });
    const ask = () => client().check(reference(host), { attempts: 1 });
    expect(await ask()).toEqual({ kind: 'found', digest: blob.digest, mediaType: MEDIA.ociManifest, size: 7 });
    expect(await ask()).toEqual({ kind: 'absent' });
    expect(await ask()).toEqual({ kind: 'silent' });
    expect(await ask()).toEqual({ kind: 'silent' });
    await expect(ask()).rejects.toMatchObject({ code: 'exhausted' });
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
    expect(requests).toEqual(Array(6).fill('HEAD'));
  });

  it('tells what the registry writes of its quota, also on a refusal', async () => {
    const host = await serve((_, response) =>
      response.writeHead(429, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }).end(),
    );
    const seen: unknown[] = [];
    const asked = client({ sawRateLimit: (name, limit) => seen.push([name, limit.limit, limit.remaining]) });
    await expect(asked.check(reference(host), { attempts: 1 })).rejects.toMatchObject({ code: 'exhausted' });
    expect(seen).toEqual([[host, 100, 0]]);
  });
});
