import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeLayer } from '../../src/images/compress.ts';
import type { Descriptor } from '../../src/images/descriptor.ts';
import { digestOf } from '../../src/images/digest.ts';
import { MEDIA } from '../../src/images/media-types.ts';
import { parseReference } from '../../src/images/reference.ts';
import { createRegistryClient, type RegistryClient } from '../../src/images/remote/client.ts';
import type { RegistryHosts } from '../../src/images/remote/hosts.ts';
import { writeTar } from '../../src/images/tar/write.ts';
import { validateImage } from '../../src/images/validate.ts';
import { type DebianRegistry, type Interloper, startDebianRegistry, startInterloper } from './debian-registry.ts';

const registryInstalled = existsSync('/usr/bin/docker-registry');
const skopeoInstalled = existsSync('/usr/bin/skopeo');

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function descriptorOf(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

interface SmallImage {
  manifest: Buffer;
  blobs: Map<string, { descriptor: Descriptor; bytes: Buffer }>;
  layer: Descriptor;
}

/** An image of one layer with one file, as our own engine writes it. */
async function smallImage(content: Buffer): Promise<SmallImage> {
  const parts: Uint8Array[] = [];
  const header = { name: 'file', type: 'file' as const, mode: 0o644, uid: 0, gid: 0, size: content.length, mtime: 1 };
  const { layer } = await encodeLayer(writeTar([{ header, body: content }]), async (chunk) => void parts.push(chunk));
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [layer.diffID] } }),
  );
  const configDescriptor = descriptorOf(config, MEDIA.ociConfig);
  const manifest = { schemaVersion: 2, mediaType: MEDIA.ociManifest, config: configDescriptor, layers: [layer.blob] };
  return {
    manifest: Buffer.from(JSON.stringify(manifest)),
    layer: layer.blob,
    blobs: new Map([
      [configDescriptor.digest, { descriptor: configDescriptor, bytes: config }],
      [layer.blob.digest, { descriptor: layer.blob, bytes: Buffer.concat(parts) }],
    ]),
  };
}

async function pushImage(client: RegistryClient, host: string, name: string, tag: string, image: SmallImage) {
  for (const { descriptor, bytes } of image.blobs.values())
    await client.pushBlob(host, name, descriptor, async () => Readable.from([bytes]));
  return client.putManifest(host, name, tag, image.manifest, MEDIA.ociManifest);
}

describe.skipIf(!registryInstalled)('another registry (needs docker-registry)', () => {
  let registry: DebianRegistry;
  let image: SmallImage;
  const endings: (() => unknown)[] = [];
  const client = (hosts: RegistryHosts = {}) => {
    const made = createRegistryClient(hosts, { retryDelay: 5 });
    endings.push(() => made.close());
    return made;
  };
  const between = async (intercept: Parameters<typeof startInterloper>[1]): Promise<Interloper> => {
    const interloper = await startInterloper(registry.host, intercept);
    endings.push(() => interloper.stop());
    return interloper;
  };

  beforeAll(async () => {
    registry = await startDebianRegistry();
    image = await smallImage(randomBytes(3 << 20));
    await pushImage(client(), registry.host, 'lab/app', '1', image);
  });
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
  });
  afterAll(() => registry.stop());

  it('gives back by tag and by digest what was pushed, and every claim of the image is true', async () => {
    const ours = client();
    const byTag = await ours.resolve(parseReference(`${registry.host}/lab/app:1`));
    expect(byTag.bytes.equals(image.manifest)).toBe(true);
    expect(byTag.descriptor).toEqual(descriptorOf(image.manifest, MEDIA.ociManifest));
    const byDigest = await ours.manifest(registry.host, 'lab/app', byTag.descriptor.digest);
    expect(byDigest.bytes.equals(image.manifest)).toBe(true);
    expect(await ours.head(parseReference(`${registry.host}/lab/app:1`))).toMatchObject({
      digest: byTag.descriptor.digest,
      size: image.manifest.length,
    });
    const read = async (descriptor: Descriptor) =>
      descriptor.digest === byTag.descriptor.digest
        ? Readable.from([byTag.bytes])
        : ours.blob(registry.host, 'lab/app', descriptor);
    expect(await validateImage(byTag.descriptor, read)).toEqual([]);
  });

  it('mounts a blob from another repository without sending it', async () => {
    const watched = await between(() => false);
    const ours = client();
    expect(await ours.hasBlob(watched.host, 'lab/copy', image.layer.digest)).toBe(false);
    expect(await ours.mountBlob(watched.host, 'lab/copy', image.layer.digest, 'lab/app')).toBe(true);
    expect(await ours.hasBlob(watched.host, 'lab/copy', image.layer.digest)).toBe(true);
    expect(watched.seen).toHaveLength(3);
    expect(await ours.mountBlob(watched.host, 'lab/copy', digestOf('nowhere'), 'lab/app')).toBe(false);
  });

  it('lists tags in order, and knows an unknown repository', async () => {
    const ours = client();
    for (const tag of ['3', '2']) await pushImage(ours, registry.host, 'lab/tags', tag, image);
    expect(await ours.tags(registry.host, 'lab/tags')).toEqual(['2', '3']);
    await expect(ours.tags(registry.host, 'lab/none')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('takes a blob up where a connection broke, and gives up on one that always breaks', async () => {
    const ranges: (string | undefined)[] = [];
    const cutting = await between((incoming, _, forward) => {
      if (!incoming.url?.includes('/blobs/')) return false;
      ranges.push(incoming.headers.range);
      forward(ranges.length < 4 ? 700_000 : undefined);
      return true;
    });
    const bytes = await collect(await client().blob(cutting.host, 'lab/app', image.layer));
    expect(digestOf(bytes)).toBe(image.layer.digest);
    expect(ranges).toHaveLength(4);
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);

    const dead = await between((incoming, _, forward) => {
      if (!incoming.url?.includes('/blobs/')) return false;
      forward(0);
      return true;
    });
    const lost = client().blob(dead.host, 'lab/app', image.layer).then(collect);
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('refuses bytes that are not what the digest says', async () => {
    const lying = await between((incoming, outgoing) => {
      if (!incoming.url?.includes('/blobs/')) return false;
      outgoing.end(randomBytes(image.layer.size));
      return true;
    });
    const read = client().blob(lying.host, 'lab/app', image.layer).then(collect);
    await expect(read).rejects.toThrow(`verification failed for digest ${image.layer.digest}`);
  });

  it('begins an upload anew when the connection breaks, and falls back to PATCH where one PUT is not taken', async () => {
    let puts = 0;
    const breaking = await between((incoming, outgoing) => {
      if (incoming.method !== 'PUT' || ++puts > 1) return false;
      incoming.once('data', () => outgoing.destroy());
      return true;
    });
    const other = await smallImage(randomBytes(2 << 20));
    await pushImage(client(), breaking.host, 'lab/broken', '1', other);
    expect(puts).toBeGreaterThan(2);

    const old = await between((incoming, outgoing) => {
      if (
        incoming.method !== 'PUT' ||
        !incoming.url?.includes('/uploads/') ||
        incoming.headers['content-length'] === '0'
      )
        return false;
      outgoing.writeHead(405).end();
      return true;
    });
    await pushImage(client(), old.host, 'lab/patched', '1', await smallImage(Buffer.from('patched')));
    expect(old.seen.filter((line) => line.startsWith('PATCH'))).toHaveLength(2);
  });

  it('refuses to push other bytes than the descriptor says', async () => {
    const descriptor = { ...image.layer, digest: digestOf('something else') };
    const bytes = image.blobs.get(image.layer.digest)?.bytes ?? Buffer.alloc(0);
    const wrong = client().pushBlob(registry.host, 'lab/wrong', descriptor, async () => Readable.from([bytes]));
    await expect(wrong).rejects.toMatchObject({ code: 'invalid' });
    const short = client().pushBlob(registry.host, 'lab/wrong', image.layer, async () =>
      Readable.from([Buffer.from('x')]),
    );
    await expect(short).rejects.toThrow('1 instead of');
  });

  it('gets tokens for what it does, once for many requests, and with the right password only', async () => {
    const granted: string[][] = [];
    const guard = await between((incoming, outgoing) => {
      const url = new URL(incoming.url ?? '', `http://${guard.host}`);
      if (url.pathname === '/token') {
        const [user] = Buffer.from((incoming.headers.authorization ?? '').slice(6), 'base64')
          .toString()
          .split(':');
        const known = incoming.headers.authorization === `Basic ${Buffer.from('ann:secret').toString('base64')}`;
        if (user !== '' && !known) outgoing.writeHead(401).end('{}');
        else {
          const scopes = url.searchParams.getAll('scope').filter((scope) => known || !scope.includes('push'));
          granted.push(scopes);
          outgoing.end(
            JSON.stringify({ token: Buffer.from(['lab', ...scopes].join(' ')).toString('base64url'), expires_in: 300 }),
          );
        }
        return true;
      }
      const token = Buffer.from((incoming.headers.authorization ?? '').slice(7), 'base64url').toString();
      const name = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(url.pathname)?.[1];
      const action = incoming.method === 'GET' || incoming.method === 'HEAD' ? 'pull' : 'push';
      if (token.split(' ').some((scope) => scope.startsWith(`repository:${name}:`) && scope.includes(action)))
        return false;
      const challenge = `Bearer realm="http://${guard.host}/token",service="lab",scope="repository:${name}:${action}"`;
      outgoing.writeHead(401, { 'www-authenticate': challenge });
      outgoing.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
      return true;
    });
    const ann = client({ credentials: async () => ({ username: 'ann', password: 'secret' }) });
    await pushImage(ann, guard.host, 'lab/guarded', '1', image);
    expect(granted).toEqual([['repository:lab/guarded:pull,push']]);
    expect(await ann.mountBlob(guard.host, 'lab/guarded2', image.layer.digest, 'lab/guarded')).toBe(true);
    expect(granted[1]).toEqual(['repository:lab/guarded2:pull,push', 'repository:lab/guarded:pull']);

    const nobody = client();
    await Promise.all(
      Array.from({ length: 8 }, async () => collect(await nobody.blob(guard.host, 'lab/guarded', image.layer))),
    );
    expect(granted).toHaveLength(3);
    const push = nobody.putManifest(guard.host, 'lab/guarded', '2', image.manifest, MEDIA.ociManifest);
    await expect(push).rejects.toMatchObject({ code: 'unauthenticated' });
    const wrong = client({ credentials: async () => ({ username: 'ann', password: 'wrong' }) });
    await expect(wrong.tags(guard.host, 'lab/guarded')).rejects.toThrow('incorrect username or password');
  });

  it('asks mirrors first, and the registry itself when they fail or lack it', async () => {
    const mirror = await between(() => false);
    const hosts = { mirrors: { 'docker.io': ['http://127.0.0.1:9', `http://${mirror.host}/lab`] } };
    const found = await client(hosts).resolve({ host: 'docker.io', repository: 'app', tag: '1' });
    expect(found).toMatchObject({ host: 'docker.io', servedBy: `http://${mirror.host}` });
    const fallen = { mirrors: { [registry.host]: ['http://127.0.0.1:9', `http://${mirror.host}/empty`] } };
    const origin = await client(fallen).resolve(parseReference(`${registry.host}/lab/app:1`));
    expect(origin.servedBy).toBe(`http://${registry.host}`);
    const missing = client(fallen).resolve(parseReference(`${registry.host}/lab/app:nosuch`));
    await expect(missing).rejects.toMatchObject({
      message: `manifest for ${registry.host}/lab/app:nosuch not found: manifest unknown: manifest unknown`,
      hint: expect.stringContaining('mirror http://127.0.0.1:9: Get'),
    });
  });

  it('says in docker’s words what is not there', async () => {
    await expect(client().resolve(parseReference(`${registry.host}/nosuch:1`))).rejects.toMatchObject({
      code: 'not-found',
      message: `manifest for ${registry.host}/nosuch:1 not found: manifest unknown: manifest unknown`,
    });
    await expect(client().resolve(parseReference('127.0.0.1:9/x:1'))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
    });
  });

  it('stops a transfer when it is told to', async () => {
    const slow = await between((incoming, outgoing) => {
      if (!incoming.url?.includes('/blobs/')) return false;
      outgoing.writeHead(200, { 'content-length': image.layer.size });
      outgoing.write(Buffer.alloc(1000));
      return true;
    });
    const controller = new AbortController();
    const stream = await client().blob(slow.host, 'lab/app', image.layer, { signal: controller.signal });
    stream.once('data', () => controller.abort());
    await expect(collect(stream)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.skipIf(!skopeoInstalled)('agrees with skopeo in both directions (needs skopeo)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-skopeo-'));
    try {
      const skopeo = (...args: string[]) =>
        execFileSync('skopeo', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
      const name = `docker://${registry.host}/lab`;
      expect(JSON.parse(skopeo('inspect', '--tls-verify=false', `${name}/app:1`))).toMatchObject({
        Digest: digestOf(image.manifest),
        Layers: [image.layer.digest],
      });
      skopeo('copy', '-q', '--src-tls-verify=false', `${name}/app:1`, `dir:${folder}`);
      expect(readFileSync(join(folder, 'manifest.json')).equals(image.manifest)).toBe(true);
      skopeo('copy', '-q', '--dest-tls-verify=false', `dir:${folder}`, `${name}/by-skopeo:1`);
      const back = await client().resolve(parseReference(`${registry.host}/lab/by-skopeo:1`));
      expect(back.descriptor.digest).toBe(digestOf(image.manifest));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
