import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskUploads } from '../../../src/adapters/disk/disk-uploads.ts';
import { ANONYMOUS, type Identity } from '../../../src/auth/identity.ts';
import { registryDoor } from '../../../src/doors/registry/door.ts';
import { digestOf } from '../../../src/images/digest.ts';
import { MirrorNames, type MirrorSettings } from '../../../src/stores/upstream/mirror-names.ts';
import { stopServer } from '../../wire/debian-registry.ts';
import { callRegistry, type Sending } from '../../wire/registry-call.ts';
import { type PlantedImage, PlantedUpstream } from './planted-upstream.ts';
import { LOCATION, RemoteHouse } from './remote-house.ts';

const LAYER = randomBytes(2_000_000);
const LAYER_DIGEST = digestOf(LAYER);

let upstream: PlantedUpstream;
let house: RemoteHouse;
let server: Server;
let host: string;
let settings: MirrorSettings;
let image: PlantedImage;
let identity: Identity;

beforeEach(async () => {
  upstream = await PlantedUpstream.start();
  house = await RemoteHouse.open();
  settings = { pullThrough: {} };
  identity = { kind: 'token', name: 'tester', grants: [{ role: 'writer', project: '*' }] };
  const tokens = {
    verify: async () => identity,
    anonymousAccessToken: async () => ({ token: 'anonymous', expiresIn: 300 }),
    accessTokenFor: async () => undefined,
    accessTokenForRefresh: async () => undefined,
    refreshTokenFor: async () => undefined,
  };
  const door = registryDoor({
    store: house.registry,
    pulls: house.pulls,
    mirrors: new MirrorNames(house.repositories, () => settings, house.clock),
    content: house.content,
    uploads: new DiskUploads({ folder: house.folder.uploads, content: house.content }),
    tokens,
    context: { authenticator: tokens, requireToken: true },
    names: { hosts: ['*-docker.pkg.dev'], defaultLocation: LOCATION },
    isPublic: async (name) => (await house.repositories.get(name))?.anonymousPull === true,
  });
  server = createServer(door);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  image = upstream.image('library/python:3', LAYER);
});
afterEach(async () => {
  await stopServer(server);
  await house.close();
  await upstream.stop();
});

const call = (method: string, path: string, sending: Sending = {}) =>
  callRegistry(host, method, path, { secret: 'x', ...sending });

const hub = (more = {}) => house.remote('hub', `http://${upstream.host}`, { dockerHub: true, ...more });

describe('a remote repository at the door', () => {
  it('is pulled as docker pulls: HEAD of the tag, GET of the digest, GET of the layers, with one manifest counted', async () => {
    await hub();
    const head = await call('HEAD', '/v2/p/hub/python/manifests/3');
    expect(head).toMatchObject({
      status: 200,
      headers: { 'docker-content-digest': image.digest, 'content-length': String(image.bytes.length) },
    });
    const manifest = await call('GET', `/v2/p/hub/python/manifests/${image.digest}`);
    expect(manifest.body.equals(image.bytes)).toBe(true);
    const layer = await call('GET', `/v2/p/hub/python/blobs/${LAYER_DIGEST}`);
    expect(layer).toMatchObject({ status: 200, headers: { 'content-length': String(LAYER.length) } });
    expect(layer.body.equals(LAYER)).toBe(true);
    expect(upstream.took()).toEqual(['HEAD manifests tag', 'GET manifests digest', 'GET blobs digest']);
    const again = await call('GET', `/v2/p/hub/python/blobs/${LAYER_DIGEST}`, { headers: { Range: 'bytes=10-19' } });
    expect(again).toMatchObject({ status: 206 });
    expect(again.body.equals(LAYER.subarray(10, 20))).toBe(true);
    expect(upstream.took()).toEqual([]);
  });

  it('says in a Warning that a copy may be old', async () => {
    await hub();
    await call('GET', '/v2/p/hub/python/manifests/3');
    house.pass(61);
    await upstream.stop();
    for (const method of ['GET', 'HEAD']) {
      const answer = await call(method, '/v2/p/hub/python/manifests/3');
      expect(answer).toMatchObject({ status: 200, headers: { 'docker-content-digest': image.digest } });
      expect(answer.headers['warning']).toMatch(/^299 - "docker\.io could not be asked \(.*which may be old"$/);
    }
    await upstream.listen();
  });

  it('says 503 and why when nothing is kept, and never asks for a login in the name of its upstream', async () => {
    await hub();
    upstream.plan = (_request, response) => response.writeHead(429).end() !== undefined;
    const limited = await call('GET', '/v2/p/hub/python/manifests/3');
    expect(limited.status).toBe(503);
    expect(limited.body.toString()).toContain('toomanyrequests');
    upstream.plan = (_request, response) => response.writeHead(401).end() !== undefined;
    house.pass(61);
    expect((await call('GET', '/v2/p/hub/python/manifests/3')).status).toBe(404);
  });

  it('cuts the connection when upstream breaks off in a layer', async () => {
    await hub();
    await call('GET', '/v2/p/hub/python/manifests/3');
    upstream.plan = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      if (request.headers.range !== undefined) return response.writeHead(500).end() !== undefined;
      response.writeHead(200, { 'content-length': LAYER.length });
      response.write(LAYER.subarray(0, 500_000), () => response.destroy());
      return true;
    };
    await expect(call('GET', `/v2/p/hub/python/blobs/${LAYER_DIGEST}`)).rejects.toThrow();
  });

  it('takes no push', async () => {
    await hub();
    for (const [method, path] of [
      ['POST', '/v2/p/hub/python/blobs/uploads/'],
      ['PUT', '/v2/p/hub/python/manifests/3'],
    ] as const)
      expect((await call(method, path, { body: method === 'PUT' ? image.bytes : undefined })).status, method).toBe(403);
    expect(await house.registry.exists(`${LOCATION}/p/hub/python`)).toBe(false);
  });

  it('lists tags and referrers of its upstream', async () => {
    await hub();
    const tags = await call('GET', '/v2/p/hub/python/tags/list?n=1');
    expect(JSON.parse(tags.body.toString())).toEqual({ name: 'p/hub/python', tags: ['3'] });
    expect((await call('GET', '/v2/p/hub/nothing/tags/list')).status).toBe(404);
    const referrers = await call('GET', `/v2/p/hub/python/referrers/${image.digest}`);
    expect(JSON.parse(referrers.body.toString()).manifests).toEqual([]);
  });
});

describe('as a mirror', () => {
  const asked = async (path: string) => (await call('GET', path)).headers['docker-content-digest'];

  it('answers for the registry that ns names, with its namespace', async () => {
    await hub();
    const answer = await call('GET', '/v2/library/python/manifests/3?ns=docker.io');
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'docker-content-digest': image.digest, 'oci-namespace': 'docker.io' },
    });
    const layer = await call('GET', `/v2/library/python/blobs/${LAYER_DIGEST}?ns=docker.io`);
    expect(layer.body.equals(LAYER)).toBe(true);
    expect((await call('GET', '/v2/library/nothing/manifests/3?ns=docker.io')).status).toBe(404);
  });

  it('takes the repository that was made first, or the one that is set', async () => {
    const other = await PlantedUpstream.start();
    const theirs = other.image('library/python:3', 'another');
    await hub();
    house.pass(1);
    await house.remote('later', `http://${other.host}`, { dockerHub: true });
    expect(await asked('/v2/library/python/manifests/3?ns=docker.io')).toBe(image.digest);
    settings = { pullThrough: { 'docker.io': `${LOCATION}/p/later` } };
    expect(await asked('/v2/library/python/manifests/3?ns=docker.io')).toBe(theirs.digest);
    expect(await asked(`/v2/library/python/manifests/3?ns=${upstream.host}`)).toBeUndefined();
    await other.stop();
  });

  it('lets nobody take away or speak for the mirror of others by making one before theirs', async () => {
    const other = await PlantedUpstream.start();
    other.image('library/python:3', 'another');
    await house.remote('q/hub', `http://${other.host}`, { dockerHub: true });
    house.pass(1);
    await hub();
    identity = { kind: 'token', name: 'of p', grants: [{ role: 'reader', project: 'p' }] };
    expect(await asked('/v2/library/python/manifests/3?ns=docker.io')).toBe(image.digest);
    settings = { pullThrough: {}, mirrorOf: 'docker.io' };
    expect(await asked('/v2/library/python/manifests/3')).toBe(image.digest);
    identity = { kind: 'token', name: 'of neither', grants: [] };
    expect((await call('GET', '/v2/library/python/manifests/3?ns=docker.io')).status).toBe(403);

    identity = { kind: 'token', name: 'of all', grants: [{ role: 'reader', project: '*' }] };
    await house.remote('q/plain', `http://${other.host}`, { byOwner: undefined });
    house.pass(2);
    expect((await call('GET', `/v2/library/python/manifests/3?ns=${other.host}`)).status).toBe(404);
    await house.remote('q/named', `http://${other.host}`);
    house.pass(2);
    expect((await call('GET', `/v2/library/python/manifests/3?ns=${other.host}`)).status).toBe(200);
    await other.stop();
  });

  it('gives dockerd, which names no registry, the images of one: but what was pushed here comes first', async () => {
    await hub();
    expect((await call('GET', '/v2/library/python/manifests/3')).status).toBe(404);
    settings = { pullThrough: {}, mirrorOf: 'docker.io' };
    expect(await asked('/v2/library/python/manifests/3')).toBe(image.digest);
    expect((await call('GET', '/v2/a/b/c/manifests/3')).status).toBe(404);
    expect((await call('GET', '/v2/python/manifests/3')).status).toBe(404);
    const own = `${LOCATION}/default/library/python`;
    await house.registry.linkBlob(own, image.config);
    expect((await call('GET', '/v2/library/python/manifests/3')).status).toBe(404);
  });

  it('asks whoever shows nothing to log in, unless the repository is public', async () => {
    await hub();
    identity = ANONYMOUS;
    const path = '/v2/library/python/manifests/3?ns=docker.io';
    const refused = await callRegistry(host, 'GET', path);
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toContain('Bearer realm=');
    await house.repositories.update(
      { location: LOCATION, project: 'p', repository: 'hub' },
      { anonymousPull: true },
      'owner',
    );
    expect((await callRegistry(host, 'GET', path)).status).toBe(200);
  });
});

describe('what a repository may reach', () => {
  it('is the internet and what slipway.yaml names, unless the owner of the server made it', async () => {
    const { isPublicAddress } = await import('../../../src/images/remote/address-guard.ts');
    const guarded = (isNamed: boolean) =>
      house.another({ hosts: { allowAddress: isPublicAddress, isNamed: () => isNamed } });
    await hub({ byOwner: undefined });
    await house.remote('own', `http://${upstream.host}`);
    const refused = guarded(false);
    await expect(refused.manifest(`${LOCATION}/p/hub/python`, '3')).rejects.toMatchObject({ code: 'not-found' });
    expect(upstream.took()).toEqual([]);
    expect(await refused.manifest(`${LOCATION}/p/own/library/python`, '3')).toBeDefined();
    const named = guarded(true);
    expect(await named.manifest(`${LOCATION}/p/hub/python`, '3')).toBeDefined();
    await Promise.all([refused.close(), named.close()]);
  });

  it('reads a password for it only when the owner made it, and sends it nowhere else', async () => {
    const { writeFile } = await import('node:fs/promises');
    const file = `${house.folder.root}/password`;
    await writeFile(file, 'secret\n');
    const sent: (string | undefined)[] = [];
    upstream.plan = (request, response) => {
      sent.push(request.headers.authorization);
      if (request.headers.authorization !== undefined) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    await hub({ username: 'u', passwordFile: file });
    expect(await house.pulls.manifest(`${LOCATION}/p/hub/python`, '3')).toBeDefined();
    expect(sent).toContain(`Basic ${Buffer.from('u:secret').toString('base64')}`);
    sent.length = 0;
    await house.remote('theirs', `http://${upstream.host}`, { username: 'u', passwordFile: file, byOwner: undefined });
    await expect(house.pulls.manifest(`${LOCATION}/p/theirs/library/python`, '3')).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(sent.every((header) => header === undefined)).toBe(true);
  });

  it('tells nobody who pulls where the password lies that it could not read', async () => {
    upstream.plan = (_request, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end() !== undefined;
    await hub({ username: 'u', passwordFile: '/secret/place' });
    const answer = await call('GET', '/v2/p/hub/python/manifests/3');
    expect(answer.status).toBe(503);
    expect(answer.body.toString()).toContain('could not read its password');
    expect(answer.body.toString()).not.toContain('/secret');
  });
});
