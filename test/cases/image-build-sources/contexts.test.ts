import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { filesAbove } from '../image-build/image-files.ts';
import { OWN, openTestEngine, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';
import { serveWeb, type WebServer } from './web-server.ts';

describe.skipIf(!hasBusybox)('where a build takes its files from', () => {
  let test: TestEngine;
  let web: WebServer;
  let folder: string;
  let served: Buffer;
  let type: string;

  beforeAll(async () => {
    test = await openTestEngine();
    await putBusybox(test.deps, 'base:1');
    web = await serveWeb((_request, response) => response.setHeader('content-type', type).end(served));
  });
  afterAll(async () => {
    await web.close();
    await test.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    type = 'application/octet-stream';
    await mkdir(join(folder, 'context/sub'), { recursive: true });
    await mkdir(join(folder, 'other'));
    await writeFile(join(folder, 'context/Dockerfile'), 'FROM scratch\nCOPY a /a\n');
    await writeFile(join(folder, 'context/a'), 'a', { mode: 0o644 });
    await writeFile(join(folder, 'context/sub/Dockerfile'), 'FROM scratch\nCOPY . /all/\n');
    await writeFile(join(folder, 'context/sub/Dockerfile.dockerignore'), '**\n!a\n');
    await writeFile(join(folder, 'other/b'), 'b', { mode: 0o644 });
    await writeFile(join(folder, 'other/secret'), 's');
    await writeFile(join(folder, 'other/.dockerignore'), 'secret\n.dockerignore\n');
  });
  afterEach(async () => {
    expect(await readdir(join(test.folder, 'snapshots/a'))).toEqual([]); // whatever happened, nothing stays
    await rm(folder, { recursive: true });
  });

  const files = async (request: TestRequest) => {
    const { steps } = await test.build(join(folder, 'context'), { ...request, tags: ['c:1'] });
    const { layers } = await test.engine.inspect('c:1', test.caller());
    return { files: await filesAbove(test.deps, layers), steps, layers };
  };
  const text = (...lines: string[]): TestRequest => ({ dockerfile: { text: lines.join('\n'), name: 'Dockerfile' } });
  const packed = (flag: string) => {
    const path = join(folder, 'x.tar');
    execFileSync('tar', [flag, '-cf', path, '-C', join(folder, 'context'), '.']);
    return path;
  };

  it.each(['--gzip', '--bzip2', '--xz', '--zstd', '--no-acls'])(
    'an archive (tar %s), with its Dockerfile anywhere in it',
    async (flag) => {
      const context = { kind: 'tar' as const, path: packed(flag) };
      expect((await files({ context })).files).toEqual({ a: 'file 644 0:0 "a"' });
      const deeper = await files({ context, dockerfile: { path: 'sub/Dockerfile' } });
      expect(deeper.files).toEqual({ all: 'folder 755 0:0', 'all/a': 'file 644 0:0 "a"' });
    },
  );

  it.each([
    ['that leads upwards', { name: '../out' }],
    ['that is a device', { name: 'dev', type: 'character-device' as const, devmajor: 1, devminor: 3 }],
  ])('refuses an archive with a name %s', async (_, header) => {
    const tar = pack();
    tar.entry({ name: 'Dockerfile' }, 'FROM scratch\n');
    if ('type' in header) tar.entry(header);
    else tar.entry(header, 'x');
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    await writeFile(join(folder, 'bad.tar'), Buffer.concat(chunks));
    const context = { kind: 'tar' as const, path: join(folder, 'bad.tar') };
    await expect(files({ context })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('an archive or a lone Dockerfile behind an address, but no web page', async () => {
    const context = { kind: 'url' as const, url: `${web.url}/x` };
    served = await readFile(packed('--gzip'));
    expect((await files({ context })).files).toEqual({ a: 'file 644 0:0 "a"' });
    served = Buffer.from('FROM scratch\nCOPY <<f /f\nx\nf\n');
    expect((await files({ context })).files).toEqual({ f: 'file 644 0:0 "x\\n"' });
    type = 'text/html';
    await expect(files({ context })).rejects.toMatchObject({ hint: expect.stringContaining('.git') });
  });

  it('no files at all, with a Dockerfile that came alone', async () => {
    const request: TestRequest = { context: { kind: 'empty' }, ...text('FROM scratch', 'COPY a /a') };
    await expect(files(request)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('the rules beside a Dockerfile that lies elsewhere', async () => {
    const dockerfile = { text: 'FROM scratch\nCOPY . /all/', name: '/elsewhere/Dockerfile', ignore: '**\n!a\n' };
    expect(Object.keys((await files({ dockerfile })).files)).toEqual(['all', 'all/a']);
  });

  it('a named folder, for COPY --from, as a base, and in place of a stage; its own .dockerignore counts', async () => {
    const contexts = { other: { kind: 'folder' as const, path: join(folder, 'other') } };
    const copied = await files({ contexts, ...text('FROM scratch', 'COPY --from=other . /o/') });
    expect(copied.files).toEqual({ o: 'folder 755 0:0', 'o/b': 'file 644 0:0 "b"' });
    expect((await files({ contexts, ...text('FROM other', 'COPY a /a') })).files).toEqual({
      b: 'file 644 0:0 "b"',
      a: 'file 644 0:0 "a"',
    });
    const replaced = text('FROM scratch AS other', 'COPY a /never', 'FROM scratch', 'COPY --from=other / /');
    expect((await files({ contexts, ...replaced })).files).toEqual({ b: 'file 644 0:0 "b"' });
    await expect(files({ contexts, ...text('FROM scratch', 'COPY --from=other secret /') })).rejects.toMatchObject({
      hint: expect.stringContaining('.dockerignore:1'),
    });
  });

  it('a named image in place of the one that FROM and --from name', async () => {
    const contexts = { 'debian:12': { kind: 'image' as const, reference: `${OWN}/base:1` } };
    const from = await files({ contexts, ...text('FROM debian:12', 'COPY a /a') });
    expect(from.files).toMatchObject({ a: 'file 644 0:0 "a"', 'etc/passwd': expect.any(String) });
    const copied = await files({
      contexts,
      ...text('FROM scratch', 'COPY --from=docker.io/library/debian:12 /etc/group /g'),
    });
    expect(Object.keys(copied.files)).toEqual(['g']);
  });

  it('an image of an OCI layout, by its tag', async () => {
    const layout = join(folder, 'layout');
    await test.build(join(folder, 'context'), {
      outputs: [{ kind: 'oci', write: (bytes) => writeFile(`${layout}.tar`, bytes) }],
      tags: ['lay:1'],
    });
    await mkdir(layout);
    execFileSync('tar', ['-xf', `${layout}.tar`, '-C', layout]);
    const contexts = { lay: { kind: 'layout' as const, path: layout } };
    const built = await files({ contexts, ...text('FROM lay', 'COPY --from=lay a /again') });
    expect(built.files).toEqual({ a: 'file 644 0:0 "a"', again: 'file 644 0:0 "a"' });
    const wrong = { lay: { ...contexts.lay, reference: 'nope' } };
    await expect(files({ contexts: wrong, ...text('FROM lay') })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('a linked copy, which another base below leaves as it is', async () => {
    const build = (base: string) => files(text(`FROM ${base}`, 'COPY --link --chown=7 a /opt/x/'));
    const first = await build('scratch');
    expect(first.files).toEqual({ opt: 'folder 755 7:7', 'opt/x': 'folder 755 7:7', 'opt/x/a': 'file 644 7:7 "a"' });
    const second = await build(`${OWN}/base:1`);
    expect(second.steps.map(({ status }) => status)).toEqual(['cached']);
    expect(second.layers.at(-1)?.diffID).toBe(first.layers[0]?.diffID);
  });

  it('changes modes as chmod does, of folders and files', async () => {
    await mkdir(join(folder, 'context/tree'));
    await writeFile(join(folder, 'context/tree/plain'), 'p', { mode: 0o600 });
    const built = await files(text('FROM scratch', 'COPY --chmod=u=rwX,go=rX tree /t/tree'));
    expect(built.files).toMatchObject({ 't/tree/plain': 'file 644 0:0 "p"', t: 'folder 755 0:0' });
  });
});
