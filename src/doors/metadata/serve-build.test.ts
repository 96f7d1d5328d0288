import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeNetwork, BridgeService } from '../../containers/container.ts';
import { serveBuild } from './serve-build.ts';

const FLAVOR = { 'metadata-flavor': 'Google' };
const V1 = '/computeMetadata/v1';
const ACCOUNT = `${V1}/instance/service-accounts/default`;
/** The bridge's own address, and that of a container: addresses of loopback stand for both. */
const [GATEWAY, CONTAINER] = ['127.0.0.1', '127.0.0.2'];

let doors: Server;
let asked: { method: string | undefined; url: string | undefined; headers: IncomingHttpHeaders; body: string }[];
let offered: readonly BridgeService[];
let served: { close(): Promise<void> };

beforeEach(async () => {
  asked = [];
  doors = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    asked.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
    response.writeHead(201, { 'x-door': 'yes', connection: 'x-door-hop', 'x-door-hop': '1' }).end('from the door');
  });
  await new Promise<void>((resolve) => doors.listen(0, '127.0.0.1', resolve));
  const services = {
    gateway: GATEWAY,
    async offer(list: readonly BridgeService[]) {
      offered = list;
    },
  };
  const bridge: BridgeNetwork = { name: 'slw9', subnet: '127.0.0.0/24', services, close: async () => undefined };
  served = await serveBuild(bridge, {
    buildId: '4f2c1e9a-0000-4000-8000-000000000000',
    project: 'demo',
    projectNumber: '328536150202',
    location: 'europe-central2',
    email: '328536150202@cloudbuild.gserviceaccount.com',
    token: 'slw_build_token',
    expiresAt: 100_000,
    now: () => 40_500,
    doors: { address: `127.0.0.1:${(doors.address() as AddressInfo).port}` },
  });
});
afterEach(async () => {
  await served.close();
  doors.closeAllConnections();
  await new Promise((resolve) => doors.close(resolve));
});

interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  from?: string;
}

function ask(path: string, { method = 'GET', headers = {}, body, from = CONTAINER }: Asking = {}) {
  return new Promise<{ status: number; text: string; headers: IncomingHttpHeaders }>((resolve, reject) => {
    const port = offered[0]?.localPort ?? 0;
    const outgoing = request(
      { host: GATEWAY, port, path, method, headers, localAddress: from, agent: false },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }));
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

const text = async (path: string, headers: Record<string, string> = FLAVOR) => (await ask(path, { headers })).text;

describe('the metadata server', () => {
  it('stands where Compute Engine has it', () => {
    expect(offered).toEqual([
      {
        address: '169.254.169.254',
        port: 80,
        localPort: expect.any(Number),
        names: ['metadata.google.internal', 'metadata', 'slipway.internal'],
      },
    ]);
  });

  it.each([
    [`${V1}/project/project-id`, 'demo'],
    [`${V1}/project/numeric-project-id`, '328536150202'],
    [`${ACCOUNT}/email`, '328536150202@cloudbuild.gserviceaccount.com'],
    [`${ACCOUNT}/scopes`, 'https://www.googleapis.com/auth/cloud-platform\n'],
    [`${ACCOUNT}/aliases`, 'default\n'],
    [`${V1}/instance/service-accounts/`, 'default/\n328536150202@cloudbuild.gserviceaccount.com/\n'],
    [`${V1}/instance/zone`, 'projects/328536150202/zones/europe-central2-a'],
    [`${V1}/universe/universe-domain`, 'googleapis.com'],
    ['/', 'computeMetadata/\n'],
    ['/computeMetadata', 'v1/\n'],
  ])('answers %s', async (path, expected) => {
    expect(await text(path)).toBe(expected);
  });

  it('gives the token of the build, for as long as the build may take', async () => {
    const { headers, text: said } = await ask(`${ACCOUNT}/token?scopes=x`, { headers: FLAVOR });
    expect(JSON.parse(said)).toMatchObject({ access_token: 'slw_build_token', expires_in: 59, token_type: 'Bearer' });
    expect(headers).toMatchObject({ 'metadata-flavor': 'Google', 'content-type': 'application/json' });
    const account = `${V1}/instance/service-accounts/328536150202%40cloudbuild.gserviceaccount.com`;
    expect(JSON.parse(await text(`${account}/token`))).toMatchObject({ access_token: 'slw_build_token' });
  });

  it('tells a whole folder as JSON', async () => {
    expect(JSON.parse(await text(`${ACCOUNT}/?recursive=true`))).toEqual({
      aliases: ['default'],
      email: '328536150202@cloudbuild.gserviceaccount.com',
      scopes: ['https://www.googleapis.com/auth/cloud-platform'],
    });
    expect(JSON.parse(await text(`${V1}/?recursive=true`))).toMatchObject({
      project: { numericProjectId: 328536150202, projectId: 'demo' },
    });
  });

  it.each<[what: string, path: string, asking: Asking, status: number]>([
    ['without the header', `${ACCOUNT}/token`, {}, 403],
    ['through a proxy', `${ACCOUNT}/token`, { headers: { ...FLAVOR, 'x-forwarded-for': '1.2.3.4' } }, 403],
    ['to write', `${ACCOUNT}/token`, { headers: FLAVOR, method: 'PUT', body: 'x' }, 405],
    ['of another account', `${V1}/instance/service-accounts/other/token`, { headers: FLAVOR }, 404],
    ['of an object of the language', `${V1}/__proto__/constructor`, { headers: FLAVOR }, 404],
    ['that is no text', `${V1}/%ff/x`, { headers: FLAVOR }, 404],
    ['of another version', '/computeMetadata/v1beta1/project/project-id', { headers: FLAVOR }, 404],
  ])('refuses a request %s', async (_what, path, asking, status) => {
    const answer = await ask(path, asking);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('slw_build_token');
  });

  it('does not hear other programs of this machine', async () => {
    await expect(ask(`${ACCOUNT}/token`, { headers: FLAVOR, from: GATEWAY })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });

  it('goes on answering when heads are too long, half said, or nonsense', async () => {
    const port = offered[0]?.localPort ?? 0;
    const said = (bytes: string) =>
      new Promise<string>((resolve) => {
        const socket = connect({ port, host: GATEWAY, localAddress: CONTAINER }, () => socket.write(bytes));
        socket.once('data', (data) => resolve(data.toString().split('\r\n', 1)[0] ?? ''));
        socket.once('close', () => resolve('closed')).once('error', () => resolve('closed'));
        if (bytes === 'GET /') setTimeout(() => socket.destroy(), 50);
      });
    const long = `GET / HTTP/1.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`;
    expect(await Promise.all([said(long), said('nonsense\r\n\r\n'), said('GET /')])).toEqual([
      'HTTP/1.1 400 Bad Request',
      'HTTP/1.1 400 Bad Request',
      'closed',
    ]);
    expect(await text(`${V1}/project/project-id`)).toBe('demo');
  });
});

describe('the way to the doors', () => {
  it('is gone by the build, whatever a request says of itself', async () => {
    const headers = {
      authorization: 'Bearer slw_stolen_admin',
      'x-forwarded-proto': 'https',
      connection: 'x-hop',
      'x-hop': '1',
      cookie: 'a=b',
      host: 'slipway.internal',
    };
    const answer = await ask('/upload/storage/v1/b/x/o?name=a', { method: 'POST', headers, body: 'bytes' });
    expect(answer).toMatchObject({ status: 201, text: 'from the door', headers: { 'x-door': 'yes' } });
    expect(answer.headers['x-door-hop']).toBeUndefined();
    expect(asked).toMatchObject([{ method: 'POST', url: '/upload/storage/v1/b/x/o?name=a', body: 'bytes' }]);
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer slw_build_token', host: 'slipway.internal' });
    for (const name of ['x-forwarded-proto', 'x-hop', 'cookie']) expect(asked[0]?.headers[name]).toBeUndefined();
  });

  it.each(['/v2/', '/v2', '/v2/p/r/app/manifests/1', '/storage/v1/b', '/download/storage/v1/b/x/o/y?alt=media'])(
    'leads to %s',
    async (path) => {
      expect((await ask(path)).status).toBe(201);
    },
  );

  it.each([
    '/v1/projects/demo/builds',
    '/v2/projects/demo/locations/x/connections',
    '/v2/entries:list',
    '/token',
    '/metrics',
    '/builds/x',
    '/v20/',
    '//v2/',
    '/storage/v10/b',
  ])('does not lead to %s', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 403, text: expect.stringContaining('nothing else') });
    expect(asked).toEqual([]);
  });

  const HIDDEN = 'GET /v1/projects/demo/secrets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer slw_found\r\n\r\n';

  it.each(
    ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'].flatMap((method) => [
      [method, 'Transfer-Encoding: chunked', `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`] as const,
      [method, `Connection: content-length\r\nContent-Length: ${HIDDEN.length}`, HIDDEN] as const,
    ]),
  )('takes no second request in the body of a %s, %s', async (method, head, body) => {
    const port = offered[0]?.localPort ?? 0;
    const socket = connect({ port, host: GATEWAY, localAddress: CONTAINER });
    socket.write(`${method} /v2/ HTTP/1.1\r\nHost: slipway.internal\r\n${head}\r\n\r\n${body}`);
    await new Promise((resolve) => socket.once('data', resolve));
    await ask('/v2/afterwards');
    socket.destroy();
    expect(asked.map(({ url }) => url)).toEqual(['/v2/', '/v2/afterwards']);
    expect(asked[0]?.body).toBe(HIDDEN);
  });

  it.each(['logging.googleapis.com', 'LOGGING.googleapis.com:443', 'cloudbuild.googleapis.com'])(
    'does not lead to %s, however the path is written',
    async (host) => {
      expect(await ask('/v2/%65ntries:list', { method: 'POST', headers: { host } })).toMatchObject({ status: 403 });
      expect(asked).toEqual([]);
    },
  );

  it('says so when there is nobody at its end', async () => {
    doors.closeAllConnections();
    await new Promise((resolve) => doors.close(resolve));
    expect(await ask('/v2/')).toMatchObject({ status: 502 });
  });
});
