import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../src/containers/runtime.ts';
import { decodeLayer } from '../../src/images/decompress.ts';
import { runOk } from '../../src/lib/run.ts';
import { hasBusybox, putBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import { OWN, openTestEngine, type TestEngine } from '../cases/image-build/test-engine.ts';
import { packArchive } from '../peers/case-archive.ts';
import { type DockerDaemon, hasDocker, startDocker } from '../peers/docker-daemon.ts';
import { type FlatImage, flattenImage, type LayerChange, readLayer } from '../peers/flat-image.ts';
import { missingPrograms } from './registry-image.ts';

/** Everything that a layer can carry, added, changed and removed again. */
const DOCKERFILE = `FROM ${OWN}/base:1
RUN mkdir -p /m/sub && cd /m && echo x > file && chmod 6755 file && chown 12:34 file && ln file second && ln file sub/third
RUN cd /m && mkfifo -m 620 pipe && mknod null c 1 3 && ln -s ../else where && mkdir -m 3777 sticky && touch "name with blank"
RUN n=$(printf "%0200d" 7) && mkdir -p /long/$n/$n && echo x > /long/$n/$n/f && ln -s $n/$n /long/link
RUN mkdir /odd && cd /odd && touch "$(printf 'new\\\\nline')" "$(printf 'latin\\\\351')" żółć
RUN rm -r /home && rm /etc/group && mkdir /home && echo new > /home/new
RUN rm -r /m/sub && mkdir /m/sub && echo again > /m/sub/again
RUN touch -d "2001-02-03 04:05:06" /dated && dd if=/dev/zero of=/sparse bs=1 count=1 seek=1048575 2>/dev/null
ADD capable.tar /in/
COPY --chown=5:6 --chmod=4711 text /copied/text
`;

const missing = await missingPrograms('skopeo', 'podman', 'buildah', 'tar');
const BASE = { diffIDs: [], layers: [] };
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex').toString('latin1');

describe.skipIf(!hasBusybox || !hasRunc || missing.length > 0)('an image that we built', () => {
  let folder: string;
  let test: TestEngine;
  let ours: FlatImage['files'];
  let oci: string;
  let archive: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-readers-'));
    test = await openTestEngine({
      runtime: (data) => createRuntime({ dataFolder: data, tag: 'readers', allowHostNetwork: false }),
    });
    await putBusybox(test.deps);
    await writeFile(join(folder, 'Dockerfile'), DOCKERFILE);
    await writeFile(join(folder, 'text'), 'text\n');
    await writeFile(join(folder, 'capable.tar'), await capableTar());
    oci = join(folder, 'image.oci');
    archive = join(folder, 'image.docker');
    await test.build(folder, {
      tags: ['built:1'],
      outputs: [
        { kind: 'oci', write: (bytes) => pipeline(bytes, createWriteStream(oci)) },
        { kind: 'docker', write: (bytes) => pipeline(bytes, createWriteStream(archive)) },
      ],
    });
    const { config, layers } = await test.engine.inspect('built:1', test.caller());
    const changes: LayerChange[][] = [];
    for (const { blob, diffID } of layers)
      changes.push(await readLayer(decodeLayer(await test.deps.content.open(blob.digest), blob.mediaType, { diffID })));
    ours = flattenImage(config, changes, BASE).files;
    expect(Object.keys(ours).length).toBeGreaterThan(300);
  });
  afterAll(async () => {
    await test?.close();
    await rm(folder, { recursive: true });
  });

  /** What a tar of a whole root file system holds. */
  async function filesOf(path: string): Promise<FlatImage['files']> {
    const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers' as const, diff_ids: [] } };
    return flattenImage(config, [await readLayer(createReadStream(path))], BASE).files;
  }

  const store = () => ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];

  it('is copied by skopeo with the digest that it had', async () => {
    await runOk('skopeo', ['copy', `oci-archive:${oci}`, `oci:${join(folder, 'layout')}:1`]);
    const before = JSON.parse((await runOk('skopeo', ['inspect', `oci-archive:${oci}`])).stdout) as { Digest: string };
    const after = await runOk('skopeo', ['inspect', `oci:${join(folder, 'layout')}:1`]);
    expect((JSON.parse(after.stdout) as { Digest: string }).Digest).toBe(before.Digest);
  });

  it('has the same files for buildah', async () => {
    const name = (await runOk('buildah', [...store(), 'from', `oci-archive:${oci}`])).stdout.trim();
    const mounted = (await runOk('buildah', [...store(), 'mount', name])).stdout.trim();
    try {
      const path = join(folder, 'buildah.tar');
      const flags = ['--format=pax', '--xattrs', '--xattrs-include=security.*', '--xattrs-include=user.*'];
      await runOk('tar', [...flags, '-cf', path, '-C', mounted, '.']);
      expect(await filesOf(path)).toEqual(ours);
    } finally {
      await runOk('buildah', [...store(), 'rm', name]);
    }
  });

  it('runs in podman, and has the same files there', async () => {
    const pulled = (await runOk('podman', [...store(), 'pull', '--quiet', `oci-archive:${oci}`])).stdout.trim();
    const name = (await runOk('podman', [...store(), 'create', '--network=none', pulled, 'true'])).stdout.trim();
    const path = join(folder, 'podman.tar');
    await runOk('podman', [...store(), 'export', '--output', path, name]);
    expect(withoutOwn(await filesOf(path))).toEqual(withoutOwn(ours));
    await runOk('podman', [...store(), 'rm', name]);
  });

  describe.skipIf(!hasDocker)('and docker', () => {
    let docker: DockerDaemon;
    beforeAll(async () => {
      docker = await startDocker();
    });
    afterAll(() => docker?.stop());

    it('loads it, runs it, and has the same files', async () => {
      const loaded = await docker.docker(['load', '--input', archive]);
      expect(loaded.stderr).toBe('');
      const image = /: (\S+)\s*$/.exec(loaded.stdout)?.[1] ?? '';
      const run = await docker.docker(['run', '--rm', '--network=none', image, 'cat', '/m/file', '/home/new']);
      expect(run.stdout).toBe('x\nnew\n');
      const { stdout: id } = await docker.docker(['create', '--network=none', image]);
      const path = join(folder, 'docker.tar');
      await docker.docker(['export', '--output', path, id.trim()]);
      expect(withoutOwn(await filesOf(path))).toEqual(withoutOwn(ours));
    });
  });
});

/** Without what a container's engine puts into the tree, and what the classic tars of containers don't carry. */
function withoutOwn(files: FlatImage['files']): FlatImage['files'] {
  const own =
    /^(?:\.dockerenv|dev|etc|proc|sys|run)$|^(?:dev|proc|sys|run)\/|^etc\/(?:hosts|hostname|resolv\.conf|mtab)$/;
  return Object.fromEntries(Object.entries(files).filter(([path]) => !own.test(path)));
}

/** A file with a capability, another name of it, and one with an attribute of a user. */
async function capableTar(): Promise<Buffer> {
  return await packArchive(
    'capable.tar',
    [
      { name: 'ping', text: 'x\n', mode: '755', pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
      {
        name: 'again',
        type: 'link',
        linkname: 'ping',
        mode: '755',
        pax: { 'SCHILY.xattr.security.capability': CAPABILITY },
      },
    ],
    new Date('2001-02-03T04:05:06Z'),
  );
}
