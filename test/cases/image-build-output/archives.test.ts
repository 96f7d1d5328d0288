import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEDIA } from '../../../src/images/media-types.ts';
import { readTar } from '../../../src/images/tar/read.ts';
import { writeTar } from '../../../src/images/tar/write.ts';
import { replaceFile } from '../../../src/lib/replace-file.ts';
import { type DockerDaemon, hasDocker, startDocker } from '../../peers/docker-daemon.ts';
import { missingPrograms } from '../../wire/registry-image.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { isRoot } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine } from '../image-build/test-engine.ts';

const run = promisify(execFile);
const missing = new Set(await missingPrograms('skopeo', 'podman', 'ctr', 'containerd'));
const without = (...programs: string[]) => programs.some((program) => missing.has(program));

describe.skipIf(!isRoot || !hasBusybox)('images as archives', () => {
  let test: TestEngine;
  let folder: string;
  let built: TestBuild;
  const file = (name: string) => join(folder, name);
  const write = (name: string) => (bytes: AsyncIterable<Uint8Array>) => replaceFile(file(name), bytes);

  beforeAll(async () => {
    test = await openTestEngine();
    folder = await mkdtemp(join(tmpdir(), 'slipway-archives-'));
    await putBusybox(test.deps);
    await mkdir(file('context'));
    await writeFile(file('context/text'), 'compresses well\n'.repeat(1000));
    await writeFile(file('context/noise'), randomBytes(3 << 20));
    await writeFile(
      file('context/Dockerfile'),
      `FROM ${OWN}/base:1\nCOPY text /text\nCOPY noise /noise\nCMD ["cat", "/text"]\n`,
    );
    built = await test.build(file('context'), {
      tags: ['archived:1', 'registry.example:5000/team/archived:two'],
      outputs: [
        { kind: 'oci', write: write('oci.tar') },
        { kind: 'docker', write: write('docker.tar'), names: ['docker.io/library/extra:3'] },
      ],
    });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await test?.close();
  });

  const manifest = async () => JSON.parse((await test.deps.content.read(built.image.manifest.digest)).toString('utf8'));

  it('stores what does not compress as a plain tar, and says so', async () => {
    const { layers } = await manifest();
    expect(layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual([
      MEDIA.ociLayerGzip,
      MEDIA.ociLayerGzip,
      MEDIA.ociLayer,
    ]);
  });

  it('is the same every time, and names its images in the index', async () => {
    await test.engine.save(['archived:1'], 'oci', write('one.tar'), test.caller());
    await test.engine.save(['archived:1'], 'oci', write('two.tar'), test.caller());
    expect((await readFile(file('one.tar'))).equals(await readFile(file('two.tar')))).toBe(true);
    const { stdout } = await run('tar', ['-xOf', file('oci.tar'), 'index.json']);
    expect(JSON.parse(stdout)).toMatchObject({
      mediaType: MEDIA.ociIndex,
      manifests: [
        {
          digest: built.image.manifest.digest,
          annotations: {
            'io.containerd.image.name': 'docker.io/library/archived:1',
            'org.opencontainers.image.ref.name': '1',
          },
        },
        { annotations: { 'io.containerd.image.name': 'registry.example:5000/team/archived:two' } },
      ],
    });
  });

  it.skipIf(without('skopeo'))('are read by skopeo, to the last layer', async () => {
    for (const source of [`oci-archive:${file('oci.tar')}:1`, `docker-archive:${file('docker.tar')}:archived:1`]) {
      const { stdout } = await run('skopeo', ['inspect', '--config', source]);
      expect(JSON.parse(stdout).rootfs.diff_ids.length).toBe(3);
    }
    await run('skopeo', ['--insecure-policy', 'copy', `oci-archive:${file('oci.tar')}:1`, `dir:${file('dir')}`]);
    const copied = JSON.parse(await readFile(file('dir/manifest.json'), 'utf8'));
    expect(copied.config.digest).toBe(built.image.id);
    await run('skopeo', [
      ...['--insecure-policy', 'copy', `docker-archive:${file('docker.tar')}:archived:1`],
      `oci:${file('layout')}:1`,
    ]);
  });

  it.skipIf(without('podman'))('are loaded by podman under their names', async () => {
    const podman = (...args: string[]) =>
      run('podman', ['--root', file('p/root'), '--runroot', file('p/run'), '--storage-driver', 'vfs', ...args]);
    // podman takes an image layout of one name only
    await test.engine.save(['archived:1'], 'oci', write('podman.tar'), test.caller());
    for (const archive of ['podman.tar', 'docker.tar']) {
      await podman('load', '-i', file(archive));
      const { stdout } = await podman('images', '--quiet', '--no-trunc');
      expect(stdout).toContain(built.image.id);
      await podman('image', 'exists', `docker.io/library/${archive === 'docker.tar' ? 'extra:3' : 'archived:1'}`);
      await podman('rmi', '--all', '--force');
    }
    await podman('system', 'reset', '--force').catch(() => undefined);
  });

  describe.skipIf(!hasDocker)('and docker 20.10', () => {
    let docker: DockerDaemon;
    beforeAll(async () => {
      docker = await startDocker();
    });
    afterAll(() => docker?.stop());

    it('loads them, with plain and with compressed layers, and saves them for us', async () => {
      const loaded = await docker.docker(['load', '-i', file('docker.tar')]);
      expect(loaded).toMatchObject({ exitCode: 0 });
      expect(loaded.stdout).toContain('Loaded image: archived:1');
      const { stdout } = await docker.docker(['image', 'inspect', '--format', '{{.Id}}', 'extra:3']);
      expect(stdout.trim()).toBe(built.image.id);
      await docker.docker(['save', '-o', file('by-docker.tar'), 'archived:1', 'extra:3']);

      const other = await openTestEngine();
      try {
        const images = await other.engine.load(createReadStream(file('by-docker.tar')), other.caller());
        expect(images.map(({ image, names }) => [image.id, names.sort()])).toEqual([
          [built.image.id, ['docker.io/library/archived:1', 'docker.io/library/extra:3']],
        ]);
        const files = await other.engine.files('archived:1', other.caller());
        expect(files.at(1)?.entries).toMatchObject([{ path: 'text', size: 16000 }]);
      } finally {
        await other.close();
      }
    });
  });

  it.skipIf(without('ctr', 'containerd'))('are imported by containerd', async () => {
    const socket = file('containerd.sock');
    await writeFile(
      file('containerd.toml'),
      `version = 2\nroot = "${file('c/root')}"\nstate = "${file('c/state')}"\n[grpc]\n  address = "${socket}"\n[ttrpc]\n  address = "${socket}.ttrpc"\n`,
    );
    const daemon = spawn('containerd', ['--config', file('containerd.toml')], { stdio: 'ignore' });
    try {
      const ctr = (...args: string[]) => run('ctr', ['--address', socket, ...args]);
      await eventually(() => ctr('version'));
      for (const archive of ['oci.tar', 'docker.tar']) {
        await ctr('images', 'import', '--snapshotter', 'native', file(archive));
        const { stdout } = await ctr('images', 'ls');
        expect(stdout).toMatch(new RegExp(`docker.io/library/archived:1 .*${built.image.manifest.digest}`));
        await ctr('images', 'rm', 'docker.io/library/archived:1');
      }
    } finally {
      await ended(daemon);
    }
  });

  it('come back as the image that was saved, from a pipe, packed or not', async () => {
    const other = await openTestEngine();
    try {
      await test.engine.save(['archived:1'], 'docker', write('saved.tar'), test.caller());
      const bytes = await readFile(file('saved.tar'));
      for (const archive of [bytes, gzipSync(bytes)]) {
        const [loaded] = await other.engine.load(chunks(archive), other.caller(), 'another:name');
        expect(loaded?.image.target.digest).toBe(built.image.manifest.digest);
        expect(loaded?.names).toEqual(['docker.io/library/archived:1', 'docker.io/library/another:name']);
      }
      const names = (await other.engine.images(other.caller())).map(({ name }) => name);
      expect(names).toEqual(['docker.io/library/another:name', 'docker.io/library/archived:1']);
    } finally {
      await other.close();
    }
  });

  it('are refused when a byte is another one, a blob is missing, or they are none', async () => {
    const other = await openTestEngine();
    try {
      const load = (bytes: Buffer) => other.engine.load(chunks(bytes), other.caller());
      const good = await readFile(file('oci.tar'));
      const damaged = Buffer.from(good);
      const last = damaged.length - 2048;
      damaged[last] = (damaged[last] ?? 0) ^ 1;
      await expect(load(damaged)).rejects.toMatchObject({ code: 'invalid' });
      await expect(load(good.subarray(0, good.length >> 1))).rejects.toMatchObject({ code: 'invalid' });
      const blob = `blobs/sha256/${built.image.id.slice('sha256:'.length)}`;
      await expect(load(await withoutEntry(good, blob))).rejects.toThrow(`names the blob ${built.image.id}`);
      await run('tar', ['-cf', file('other.tar'), '-C', file('context'), 'text']);
      await expect(load(await readFile(file('other.tar')))).rejects.toThrow('no archive of images');
      expect(await other.engine.images(other.caller())).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

async function withoutEntry(archive: Buffer, name: string): Promise<Buffer> {
  const entries = async function* () {
    for await (const { header, body } of readTar(chunks(archive))) if (header.name !== name) yield { header, body };
  };
  const kept: Uint8Array[] = [];
  for await (const chunk of writeTar(entries())) kept.push(chunk);
  return Buffer.concat(kept);
}

async function* chunks(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

async function eventually(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function ended(daemon: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await exit;
}
