import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownName, repositoryKey } from '../../../src/stores/registry/name.ts';
import { hasBusybox, putBusybox, putIndex } from './busybox-base.ts';
import { OWN, openTestEngine, type TestEngine } from './test-engine.ts';

const REGISTRY = '/usr/bin/docker-registry';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A build that is FROM alone is provably the same image: same digest, whatever the base is and wherever it goes. */
describe.skipIf(!hasBusybox || !existsSync(REGISTRY))('FROM alone', () => {
  let test: TestEngine;
  let other: TestEngine;
  let context: string;
  let folder: string;
  let registry: ChildProcess;
  let host: string;
  beforeAll(async () => {
    test = await openTestEngine();
    other = await openTestEngine();
    folder = await mkdtemp(join(tmpdir(), 'slipway-registry-'));
    const port = await freePort();
    host = `127.0.0.1:${port}`;
    const config = { version: 0.1, storage: { filesystem: { rootdirectory: folder } }, http: { addr: host } };
    await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
    registry = spawn(REGISTRY, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
    for (let tries = 0; tries < 100; tries++) {
      if (
        await fetch(`http://${host}/v2/`).then(
          () => true,
          () => false,
        )
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    const amd64 = { os: 'linux', architecture: 'amd64' };
    const arm64 = { os: 'linux', architecture: 'arm64' };
    const [first, second] = [
      await putBusybox(other.deps, 'both:amd', amd64),
      await putBusybox(other.deps, 'both:arm', arm64),
    ];
    await putIndex(other.deps, 'both:1', [
      { ...first, platform: amd64 },
      { ...second, platform: arm64 },
    ]);
    await other.engine.copy(`${OWN}/both:1`, `${host}/up/both:1`, other.caller());
    await other.engine.copy(`${OWN}/both:amd`, `${host}/up/one:1`, other.caller());
  });
  afterAll(async () => {
    registry.kill();
    await Promise.all([test.close(), other.close()]);
    for (const path of [folder, context]) await rm(path, { recursive: true });
  });

  const upstreamDigest = async (name: string) => {
    const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
    const answer = await fetch(`http://${host}/v2/${name}/manifests/1`, { headers: { accept } });
    return answer.headers.get('docker-content-digest');
  };
  const build = async (from: string, tag: string, flags = '') => {
    await writeFile(join(context, 'Dockerfile'), `FROM ${flags}${host}/${from}:1\n`);
    return await test.build(context, { tags: [tag] });
  };
  const stored = async (image: string) =>
    await test.deps.registry.manifest(
      repositoryKey(ownName('europe-central2-docker.pkg.dev', `test/repo/${image}`, test.deps.own)),
      'kept',
    );

  it('keeps a manifest, and pushing it to ourselves publishes that digest', async () => {
    const result = await build('up/one', `${OWN}/one:kept`);
    expect(result).toMatchObject({ kept: true, image: { target: { digest: await upstreamDigest('up/one') } } });
    const pushed = await test.engine.push(`${OWN}/one:kept`, test.caller());
    expect(pushed).toMatchObject({ own: true, tag: 'kept', digest: await upstreamDigest('up/one') });
    expect((await stored('one'))?.digest).toBe(await upstreamDigest('up/one'));
  });

  it('keeps an index with both platforms, and every blob of it is here after the push', async () => {
    const result = await build('up/both', `${OWN}/both:kept`);
    expect(result).toMatchObject({ kept: true, image: { target: { digest: await upstreamDigest('up/both') } } });
    await test.engine.push(`${OWN}/both:kept`, test.caller());
    expect((await stored('both'))?.digest).toBe(await upstreamDigest('up/both'));
    const copied = await test.engine.copy(`${OWN}/both:kept`, `${host}/down/both:1`, test.caller());
    expect(copied).toMatchObject({ manifests: 3, digest: await upstreamDigest('up/both') });
    expect(await upstreamDigest('down/both')).toBe(await upstreamDigest('up/both'));
  });

  it('takes one platform of an index when the file asks for it', async () => {
    const result = await build('up/both', `${OWN}/arm:kept`, '--platform=linux/arm64 ');
    const resolved = await other.deps.registry.manifest(
      repositoryKey(ownName('europe-central2-docker.pkg.dev', 'test/repo/both', other.deps.own)),
      'arm',
    );
    expect(result.image.target.digest).toBe(resolved?.digest);
  });

  it('says which platforms there are when the one asked for is not', async () => {
    await expect(build('up/both', `${OWN}/s390:kept`, '--platform=linux/s390x ')).rejects.toMatchObject({
      code: 'not-found',
      message: 'no matching manifest for linux/s390x in the manifest list entries',
      hint: expect.stringContaining('linux/amd64, linux/arm64'),
      place: { ranges: [{ line: 1 }] },
    });
  });

  it('becomes an ordinary build, on the same layers, when labels are asked for', async () => {
    await writeFile(join(context, 'Dockerfile'), `FROM ${host}/up/one:1\n`);
    const result = await test.build(context, { labels: { v: '1' }, tags: [`${OWN}/labelled:1`] });
    expect(result.kept).toBe(false);
    const { config, layers } = await test.engine.inspect(`${OWN}/labelled:1`, test.caller());
    expect(config.config?.Labels).toEqual({ v: '1' });
    expect(layers).toHaveLength(1);
  });

  it('mounts what the registry has when it pushes to another repository of it', async () => {
    await build('up/one', `${host}/mounted/one:1`);
    const states: string[] = [];
    const listener = { onLayer: (_: string, state: string) => states.push(state) };
    await test.engine.push(`${host}/mounted/one:1`, test.caller(), listener);
    expect(states).toEqual(['Preparing', 'Mounted']);
    await test.engine.push(`${host}/mounted/one:1`, test.caller(), listener);
    expect(states.slice(2)).toEqual(['Preparing', 'Layer already exists']);
    expect(await upstreamDigest('mounted/one')).toBe(await upstreamDigest('up/one'));
  });

  it("speaks docker's words about an image that is not there", async () => {
    await expect(build('up/none', 'x:1')).rejects.toMatchObject({
      code: 'not-found',
      message: `manifest for ${host}/up/none:1 not found: manifest unknown: manifest unknown`,
    });
    await expect(test.engine.push('nowhere/x:1', test.caller())).rejects.toThrow(
      'An image does not exist locally with the tag: nowhere/x',
    );
  });
});
