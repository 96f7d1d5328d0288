import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import { fallbackTag } from '../../src/images/fallback-tag.ts';
import { MEDIA } from '../../src/images/media-types.ts';
import { createRegistryClient, type RegistryClient } from '../../src/images/remote/client.ts';
import { OWN, openTestEngine, type TestEngine } from '../cases/image-build/test-engine.ts';
import { type DebianRegistry, type Interloper, startDebianRegistry, startInterloper } from './debian-registry.ts';
import { PLATFORMS, type PlatformImage, platformImage, pushPlatformImage } from './platform-image.ts';
import { missingPrograms } from './registry-image.ts';

const missing = await missingPrograms('docker-registry');

/** From and to a registry without the referrers API, which docker-registry 2.8 is; our own has it. */
describe.skipIf(missing.length > 0)(`slipway copy${missing.map((name) => `: no ${name}`).join('')}`, () => {
  let registry: DebianRegistry;
  let client: RegistryClient;
  let test: TestEngine;
  let image: PlatformImage;
  const interlopers: Interloper[] = [];

  beforeAll(async () => {
    registry = await startDebianRegistry();
    client = createRegistryClient({}, { retryDelay: 5 });
    test = await openTestEngine();
    image = await platformImage('copied');
    await pushPlatformImage(client, registry.host, 'up/app', '1', image);
  });
  afterEach(async () => {
    for (const each of interlopers.splice(0)) await each.stop();
  });
  afterAll(async () => {
    client.close();
    await Promise.all([test.close(), registry.stop()]);
  });

  const theirs = (name: string) => `${registry.host}/${name}`;
  const copy = (from: string, to: string, options?: Parameters<TestEngine['engine']['copy']>[3]) =>
    test.engine.copy(from, to, test.caller(), options);
  const key = (name: string) => `europe-central2/test/repo/${name}`;
  const inOurs = async (name: string, reference: string) => await test.deps.registry.manifest(key(name), reference);
  const inTheirs = async (repository: string, reference: string, host = registry.host) =>
    (await client.manifest(host, repository, reference)).descriptor.digest;
  const between = async (intercept: Parameters<typeof startInterloper>[1]) => {
    const interloper = await startInterloper(registry.host, intercept);
    interlopers.push(interloper);
    return interloper;
  };
  it('brings all platforms, attestations and what refers to them, under the same digests', async () => {
    const done = await copy(theirs('up/app:1'), `${OWN}/app:1`);
    expect(done).toMatchObject({
      digest: image.index.descriptor.digest,
      manifests: 5,
      platforms: ['linux/amd64', 'linux/arm64'],
      leftOut: [],
    });
    expect(done.referrers.map(({ digest, tag }) => tag ?? digest)).toEqual([
      image.signature.tag,
      ...image.referrers.map(({ descriptor }) => descriptor.digest),
    ]);
    expect((await inOurs('app', '1'))?.digest).toBe(image.index.descriptor.digest);
    for (const { descriptor } of image.manifests) expect(await inOurs('app', descriptor.digest)).toBeDefined();
    const [sbom, signed] = image.referrers;
    const subject = image.index.descriptor.digest;
    expect(await test.deps.registry.referrers(key('app'), subject)).toMatchObject([
      { digest: sbom?.descriptor.digest, artifactType: 'application/spdx+json' },
    ]);
    expect(sbom && (await test.deps.registry.referrers(key('app'), sbom.descriptor.digest))).toMatchObject([
      { digest: signed?.descriptor.digest },
    ]);
    expect((await inOurs('app', image.signature.tag))?.digest).toBe(image.signature.descriptor.digest);
    expect(await test.engine.images(test.caller())).toEqual([]);
  });

  it('lists referrers under the fallback tag where a registry has no API, beside those that stand there', async () => {
    const subject = image.index.descriptor.digest;
    await copy(`${OWN}/app:1`, theirs('down/app:2'));
    expect(await inTheirs('down/app', '2')).toBe(subject);
    const [sbom, signed] = image.referrers;
    const listed = await client.referrers(registry.host, 'down/app', subject);
    expect(listed).toEqual([
      { ...sbom?.descriptor, artifactType: 'application/spdx+json', annotations: { said: 'sbom of copied' } },
    ]);
    expect(await client.tags(registry.host, 'down/app')).toEqual(
      ['2', fallbackTag(subject), ...(sbom ? [fallbackTag(sbom.descriptor.digest)] : []), image.signature.tag].sort(),
    );
    expect(sbom && (await client.referrers(registry.host, 'down/app', sbom.descriptor.digest))).toMatchObject([
      { digest: signed?.descriptor.digest },
    ]);
    // once more changes nothing
    const before = await inTheirs('down/app', fallbackTag(subject));
    expect(await copy(`${OWN}/app:1`, theirs('down/app:2'))).toMatchObject({ sent: 0, mounted: 0 });
    expect(await inTheirs('down/app', fallbackTag(subject))).toBe(before);
  });

  it('leaves referrers when told to', async () => {
    expect(await copy(theirs('up/app:1'), `${OWN}/plain:1`, { referrers: false })).toMatchObject({ referrers: [] });
    expect(await test.deps.registry.referrers(key('plain'), image.index.descriptor.digest)).toEqual([]);
    expect(await inOurs('plain', image.signature.tag)).toBeUndefined();
  });

  it('copies one platform with its attestation below the whole index, and says what is missing', async () => {
    const platforms = [{ os: 'linux', architecture: 'arm64' }];
    const done = await copy(theirs('up/app:1'), `${OWN}/sparse:1`, { platforms });
    expect(done).toMatchObject({
      digest: image.index.descriptor.digest,
      manifests: 3,
      platforms: ['linux/arm64'],
      leftOut: ['linux/amd64'],
    });
    const there = image.manifests.map(
      async ({ descriptor }) => (await inOurs('sparse', descriptor.digest)) !== undefined,
    );
    expect(await Promise.all(there)).toEqual([false, false, true, true]);
    await expect(copy(theirs('up/app:1'), theirs('down/sparse:1'), { platforms })).rejects.toMatchObject({
      hint: expect.stringContaining('seems to take no index some of whose platforms are missing'),
    });
    await expect(
      copy(theirs('up/app:1'), `${OWN}/none:1`, { platforms: [{ os: 'linux', architecture: 's390x' }] }),
    ).rejects.toMatchObject({ code: 'not-found', hint: expect.stringContaining('linux/amd64, linux/arm64') });
  });

  it('copies an image that is no index only if it is for one of the platforms that were asked for', async () => {
    const [first] = image.manifests;
    const one = `${theirs('up/app')}@${first?.descriptor.digest}`;
    const [amd64, arm64] = PLATFORMS;
    const to = `${OWN}/one:1`;
    const platforms = (...all: (typeof amd64)[]) => ({ platforms: all.filter((each) => each !== undefined) });
    await expect(copy(one, to, platforms(arm64))).rejects.toMatchObject({ code: 'not-found' });
    for (const wanted of [platforms(amd64), platforms(arm64, amd64)])
      expect(await copy(one, to, wanted)).toMatchObject({ digest: first?.descriptor.digest, leftOut: [] });
    await expect(copy(one, `${OWN}/one@${image.index.descriptor.digest}`)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('mounts what another repository of the same registry has', async () => {
    const done = await copy(theirs('up/app:1'), theirs('mounted/app:1'));
    expect(done).toMatchObject({ digest: image.index.descriptor.digest, sent: 0, bytesSent: 0 });
    expect(done.mounted).toBe(image.blobs.length);
  });

  it('copies every tag of a repository, each with what is said of it', async () => {
    const other = await platformImage('the second');
    await pushPlatformImage(client, registry.host, 'all/app', 'one', image);
    await pushPlatformImage(client, registry.host, 'all/app', 'two', other);
    await pushPlatformImage(client, registry.host, 'all/app', 'latest', other);
    const done = await test.engine.copyAll(theirs('all/app'), `${OWN}/all`, test.caller());
    expect(done.map(({ target, digest }) => [target, digest])).toEqual([
      [`${OWN}/all:latest`, other.index.descriptor.digest],
      [`${OWN}/all:one`, image.index.descriptor.digest],
      [`${OWN}/all:two`, other.index.descriptor.digest],
    ]);
    const tags = (await test.deps.registry.tags(key('all'), { limit: 99 })).map(({ name }) => name);
    expect(tags).toEqual(['latest', 'one', image.signature.tag, other.signature.tag, 'two'].sort());
    const back = await test.engine.copyAll(`${OWN}/all`, theirs('all/back'), test.caller());
    expect(back.map(({ digest }) => digest)).toEqual(done.map(({ digest }) => digest));
    expect(await client.referrers(registry.host, 'all/back', other.index.descriptor.digest)).toHaveLength(1);
    await expect(test.engine.copyAll(theirs('all/app:one'), `${OWN}/x`, test.caller())).rejects.toThrow(
      'by its name alone',
    );
  });

  it('takes the layers that older caches list in an index as blobs', async () => {
    const bytes = Buffer.from('a layer of a cache');
    const layer = { mediaType: MEDIA.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };
    await client.pushBlob(registry.host, 'lab/cache', layer, async () => Readable.from([bytes]));
    const put = (value: object) =>
      client.putManifest(registry.host, 'lab/cache', '1', Buffer.from(JSON.stringify(value)), MEDIA.ociIndex);
    await put({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [layer] });
    expect(await copy(theirs('lab/cache:1'), `${OWN}/cache:1`)).toMatchObject({ manifests: 1, sent: 1 });
    expect(await test.deps.registry.hasBlob(key('cache'), layer.digest)).toBe(true);
    expect(await copy(`${OWN}/cache:1`, theirs('lab/cache-back:1'))).toMatchObject({ manifests: 1 });
  });

  it('goes on where it was broken off: no blob that arrived is sent again, and no tag shows half of an image', async () => {
    const fresh = await platformImage('broken off');
    await pushPlatformImage(client, registry.host, 'up/fresh', '1', fresh);
    let puts = 0;
    let broken = true;
    const target = await between((incoming, outgoing) => {
      if (!broken || incoming.method !== 'PUT' || ++puts <= 5) return false;
      incoming.resume();
      outgoing.writeHead(403).end();
      return true;
    });
    await expect(copy(theirs('up/fresh:1'), `${target.host}/go/on:1`)).rejects.toMatchObject({ code: 'denied' });
    await expect(inTheirs('go/on', '1')).rejects.toMatchObject({ code: 'not-found' });
    broken = false;
    target.seen.length = 0;
    const done = await copy(theirs('up/fresh:1'), `${target.host}/go/on:1`);
    expect(done.present).toBeGreaterThanOrEqual(5);
    expect(done.present + done.sent).toBe(fresh.blobs.length);
    expect(target.seen.filter((line) => /^PUT .*\/uploads\//.test(line))).toHaveLength(done.sent);
    expect(await inTheirs('go/on', '1')).toBe(fresh.index.descriptor.digest);
  });

  it('ends at once when it is cancelled, and goes on later', async () => {
    const fresh = await platformImage('cancelled');
    await pushPlatformImage(client, registry.host, 'up/cancelled', '1', fresh);
    const abort = new AbortController();
    const onLayer = (_: string, state: string) => {
      if (state === 'Pushed') abort.abort();
    };
    const [from, to] = [theirs('up/cancelled:1'), `localhost:${registry.host.split(':')[1]}/go/later:1`];
    const ended = test.engine.copy(from, to, test.caller(abort.signal), {}, { onLayer });
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    await expect(inTheirs('go/later', '1')).rejects.toMatchObject({ code: 'not-found' });
    const done = await copy(from, to);
    expect(done.present).toBeGreaterThan(0);
    expect(await inTheirs('go/later', '1')).toBe(fresh.index.descriptor.digest);
  });

  it('waits as long as a busy registry asks, and goes on', async () => {
    const refused = new Set<string>();
    const times: number[] = [];
    const target = await between((incoming, outgoing) => {
      const isFirst = incoming.method === 'PUT' && /manifests\/1$/.test(incoming.url ?? '') && refused.size === 0;
      if (/manifests\/1$/.test(incoming.url ?? '') && incoming.method === 'PUT') times.push(Date.now());
      if (!isFirst) return false;
      refused.add(incoming.url ?? '');
      incoming.resume();
      outgoing.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    });
    await copy(theirs('up/app:1'), `${target.host}/busy/app:1`, { referrers: false });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('is an error when the target answers with another digest', async () => {
    const other = `sha256:${'0'.repeat(64)}`;
    const target = await between((incoming, outgoing) => {
      if (incoming.method !== 'HEAD' || !incoming.url?.includes('/manifests/')) return false;
      const type = 'application/vnd.oci.image.index.v1+json';
      outgoing.writeHead(200, { 'docker-content-digest': other, 'content-type': type, 'content-length': '9' }).end();
      return true;
    });
    await expect(copy(`${OWN}/app:1`, `${target.host}/wrong/app:1`)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(`is ${other} after the copy, and not ${image.index.descriptor.digest}`),
    });
  });
});
