import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DoorServer } from './door-server.ts';

let door: DoorServer;
beforeAll(async () => {
  door = await DoorServer.start();
});
afterAll(() => door.close());

const answer = async (response: Response) => [response.status, await response.json()];

describe('the first look of every client', () => {
  it('is answered with the version to speak and the builder to use', async () => {
    for (const path of ['/_ping', '/v1.41/_ping']) {
      const response = await door.fetch(path);
      expect(await response.text()).toBe('OK');
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'api-version': '1.43',
        'builder-version': '2',
        'cache-control': 'no-cache, no-store, must-revalidate',
        'content-type': 'text/plain; charset=utf-8',
        'docker-experimental': 'false',
        ostype: 'linux',
        pragma: 'no-cache',
        server: 'Slipway/1.2.3 (linux)',
        swarm: 'inactive',
      });
    }
  });

  it('may come without a body', async () => {
    const said = await door.raw('HEAD /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(said.endsWith('\r\n\r\n')).toBe(true);
  });
});

describe('what dockerd answers in its own words', () => {
  it.each([
    ['/nope', 404, 'page not found'],
    ['/v1.43/containers', 404, 'page not found'],
    ['/v1.x/info', 404, 'page not found'],
    ['/v1.99/version', 400, 'client version 1.99 is too new. Maximum supported API version is 1.43'],
    [
      '/v1.5/version',
      400,
      'client version 1.5 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    ],
    ['/containers/nope/json', 404, 'No such container: nope'],
    ['/exec/nope/json', 404, 'No such exec instance: nope'],
    ['/containers/box/logs', 400, 'Bad parameters: you must choose at least one stream'],
    ['/containers/%zz/json', 404, 'page not found'],
    ['/plugins/x/json', 404, 'plugin "x" not found'],
    [
      '/services',
      503,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    ],
    [
      '/nodes/x',
      503,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    ],
  ])('GET %s', async (path, status, message) => {
    expect(await answer(await door.fetch(path))).toEqual([status, { message }]);
  });

  it('another method for a known path is an unknown page', async () => {
    expect(await answer(await door.fetch('/info', { method: 'DELETE' }))).toEqual([404, { message: 'page not found' }]);
  });
});

describe('a body that is wrong', () => {
  const create = '/containers/create';
  it.each([
    ['half an object', create, '{"Image":', 400, /^invalid JSON: /],
    ['no JSON', create, 'hello', 400, /^invalid JSON: /],
    ['a list', create, '[1]', 400, /^invalid JSON: an object is expected, not a list$/],
    ['a field of another type', create, '{"Image":"x","HostConfig":{"Memory":"much"}}', 400, /^HostConfig\.Memory: /],
    ['too deep', create, `{"a":${'['.repeat(100_000)}`, 400, /^invalid JSON: nested too deep$/],
    ['nothing', create, '', 400, /^Config cannot be empty/],
    ['a proto', '/containers/box/exec', '{"__proto__":{"Cmd":["true"]}}', 400, /^No exec command specified$/],
  ])('%s', async (_what, path, body, status, message) => {
    const [code, json] = await answer(await door.post(path, body));
    expect(code).toBe(status);
    expect((json as { message: string }).message).toMatch(message);
  });

  it('is refused as another type than JSON', async () => {
    expect(await answer(await door.post(create, '{"Image":"x"}', 'text/plain'))).toEqual([
      400,
      { message: "Content-Type specified (text/plain) must be 'application/json'" },
    ]);
  });

  it('is refused when it is too long, and the connection says why', async () => {
    const [status, json] = await answer(await door.post(create, `{"Image":"${'x'.repeat(5 << 20)}"}`));
    expect(status).toBe(413);
    expect((json as { message: string }).message).toContain('longer than');
  });
});

describe('what is hardly HTTP', () => {
  it('headers without end are cut with 431', async () => {
    const socket = door.connect();
    socket.write('GET /info HTTP/1.1\r\nHost: docker\r\n');
    let stop = false;
    socket.on('error', () => undefined);
    const said = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.includes('}')) resolve(text);
      });
      socket.once('close', () => resolve(text));
    });
    void said.then(() => {
      stop = true;
    });
    const piece = `X-Long: ${'a'.repeat(60_000)}\r\n`;
    for (let sent = 0; sent < 1 << 30 && !stop && !socket.destroyed; sent += piece.length) {
      if (!socket.write(piece)) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const text = await said;
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toContain('{"message":"the headers of the request are longer than');
    socket.destroy();
  });

  it('noise is told so', async () => {
    const said = await door.raw('\x16\x03\x01 hello\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain('{"message":');
  });

  it('an upgrade that nobody offers is an ordinary request', async () => {
    const said = await door.raw(
      'GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n',
    );
    expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(said.endsWith('OK')).toBe(true);
  });

  it('an upgrade with a body of unknown length is refused', async () => {
    const said = await door.raw(
      'POST /exec/exec/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    );
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain('{"message":');
  });
});

describe('docker login', () => {
  const login = (serveraddress: string, more = {}) =>
    door.post('/auth', JSON.stringify({ username: 'u', password: 'p', serveraddress, ...more })).then(answer);

  it('asks the registry that the address names', async () => {
    expect(await login('https://index.docker.io/v1/')).toEqual([200, { Status: 'Login Succeeded', IdentityToken: '' }]);
    expect(await login('lab.example:5000', { identitytoken: 't' })).toMatchObject([200, {}]);
    expect(door.logins).toEqual([
      { host: 'docker.io', credentials: { username: 'u', password: 'p' } },
      { host: 'lab.example:5000', credentials: { username: '<token>', password: 't' } },
    ]);
  });

  it('fails with the statuses of dockerd', async () => {
    expect(await login('https://basic.example')).toEqual([
      500,
      { message: 'login attempt to https://basic.example/v2/ failed with status: 401 Unauthorized' },
    ]);
    expect(await login('token.example')).toEqual([401, { message: 'unauthorized: incorrect username or password' }]);
  });

  it('is not needed where we are the registry', async () => {
    const before = door.logins.length;
    expect(await login('https://ours.example/v2/')).toMatchObject([200, {}]);
    expect(door.logins.length).toBe(before);
  });
});
