import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withReadOnlyView } from '../../../src/containers/sandbox/overlay.ts';
import type { BuildOutput } from '../../../src/engine/request.ts';
import { replaceFile } from '../../../src/lib/replace-file.ts';
import { isRoot } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestEngine } from '../image-build/test-engine.ts';
import { entry, putLayers, text } from './layered-image.ts';
import { treeLines } from './tree-lines.ts';

const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');
const { PATH = '' } = process.env;

/** Everything that layers can do to each other. */
const LAYERS = [
  [
    entry('etc', 'folder'),
    text('etc/kept', 'kept\n', { mode: 0o640, uid: 12, gid: 34 }),
    text('etc/gone', 'gone\n'),
    text('etc/replaced', 'old\n'),
    entry('tmp', 'folder', { mode: 0o1777 }),
    entry('emptied', 'folder'),
    text('emptied/before', 'before\n'),
    entry('usr', 'folder'),
    entry('usr/lib', 'folder'),
    entry('lib', 'symlink', { link: 'usr/lib' }),
    text('usr/lib/one', 'one\n'),
    entry('was-folder', 'folder'),
    text('was-folder/below', 'below\n'),
    text('was-file', 'was a file\n'),
    text('linked/first', 'two names\n'),
    entry('linked/second', 'hardlink', { link: 'linked/first' }),
    entry('linked/third', 'hardlink', { link: 'linked/second' }),
    text('bin/capable', 'x', { mode: 0o755, xattrs: { 'security.capability': CAPABILITY } }),
    text('bin/setuid', 'x', { mode: 0o4755 }),
    text('noted', 'x', { xattrs: { 'user.note': Buffer.from('a note') } }),
    entry('pipe', 'fifo'),
    entry('null', 'char', { device: { major: 1, minor: 3 }, mode: 0o666 }),
    text('name with \udcff byte', 'odd\n'),
  ],
  [
    { kind: 'whiteout' as const, path: 'etc/gone' },
    text('etc/replaced', 'new\n', { mode: 0o600 }),
    entry('emptied', 'folder', { mode: 0o700 }),
    { kind: 'opaque' as const, path: 'emptied' },
    text('emptied/after', 'after\n'),
    text('was-folder', 'now a file\n'),
    entry('was-file', 'folder'),
    text('was-file/below', 'now below\n'),
    { kind: 'whiteout' as const, path: 'linked/first' },
    text('tmp/made', 'in a folder that this layer does not describe\n'),
    text('usr/lib/two', 'two\n'),
  ],
  [{ kind: 'whiteout' as const, path: 'bin/setuid' }, entry('etc', 'folder', { mode: 0o711 }), text('empty', '')],
];

describe.skipIf(!isRoot)('the root file system of an image as files', () => {
  let test: TestEngine;
  let folder: string;
  let expected: string[];
  beforeAll(async () => {
    test = await openTestEngine();
    folder = await mkdtemp(join(tmpdir(), 'slipway-output-'));
    await putLayers(test.deps, 'layered:1', ...LAYERS);
    await mkdir(join(folder, 'context'));
    await writeFile(join(folder, 'context', 'Dockerfile'), `FROM ${OWN}/layered:1 AS all\nLABEL a=b\n`);
    const rootfs = await test.engine.rootfs(`${OWN}/layered:1`, test.caller());
    await mkdir(join(folder, 'view'));
    expected = await withReadOnlyView(
      join(folder, 'view'),
      { lowers: rootfs.lowers, upper: test.engine.snapshots.empty() },
      treeLines,
    );
    await rootfs.release();
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await test?.close();
  });

  const build = (outputs: BuildOutput[], signal?: AbortSignal) =>
    test.build(join(folder, 'context'), { outputs }, test.caller(signal));

  it('is what a container of the image sees', async () => {
    const out = join(folder, 'new', 'out');
    await build([{ kind: 'local', folder: out }]);
    expect(await treeLines(out)).toEqual(expected);
    expect(expected.length).toBe(25);
  });

  it('is the same as a tar, whose bytes are always the same', async () => {
    const tar = (name: string): BuildOutput => ({
      kind: 'tar',
      write: (bytes) => replaceFile(join(folder, name), bytes),
    });
    await build([tar('a.tar'), tar('b.tar')]);
    expect((await readFile(join(folder, 'a.tar'))).equals(await readFile(join(folder, 'b.tar')))).toBe(true);
    await mkdir(join(folder, 'unpacked'));
    await promisify(execFile)(
      'tar',
      [
        '-xpf',
        join(folder, 'a.tar'),
        '-C',
        join(folder, 'unpacked'),
        '--xattrs',
        '--xattrs-include=*',
        '--numeric-owner',
      ],
      { env: { PATH } },
    );
    expect(await treeLines(join(folder, 'unpacked'))).toEqual(expected);
  });

  it('joins what a folder holds, and follows none of its links', async () => {
    const out = join(folder, 'joined');
    const outside = join(folder, 'outside');
    for (const path of ['etc', 'empty', 'usr/lib']) await mkdir(join(out, path), { recursive: true });
    await mkdir(outside);
    await writeFile(join(out, 'etc/mine'), 'mine');
    await writeFile(join(out, 'etc/kept'), 'other');
    await writeFile(join(out, 'empty/file'), 'a folder where the image has a file');
    await symlink(outside, join(out, 'emptied'));
    await symlink(join(outside, 'target'), join(out, 'noted'));
    await writeFile(join(out, 'usr/lib/mine'), 'mine');
    await build([{ kind: 'local', folder: out }]);
    const lines = await treeLines(out);
    expect(lines.filter((line) => !line.includes('/mine '))).toEqual(expected);
    expect(lines.filter((line) => line.includes('/mine ')).length).toBe(2);
    expect(await readdir(outside)).toEqual([]);
  });

  it('leaves a folder as it was when it can not be written whole', async () => {
    const out = join(folder, 'untouched');
    await mkdir(out);
    await writeFile(join(out, 'mine'), 'mine');
    const stop = new AbortController();
    const failing: BuildOutput = {
      kind: 'tar',
      write: async (bytes) => {
        for await (const _ of bytes) stop.abort();
      },
    };
    const before = await treeLines(out);
    await expect(build([failing, { kind: 'local', folder: out }], stop.signal)).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(await treeLines(out)).toEqual(before);
    await expect(build([{ kind: 'local', folder: join(out, 'mine') }])).rejects.toThrow('a file has that name');
    await expect(build([{ kind: 'local', folder: join(out, 'mine', 'below') }])).rejects.toThrow(
      'a file has that name',
    );
  });

  it('names nothing when an output fails', async () => {
    const failing: BuildOutput = {
      kind: 'oci',
      write: async () => {
        throw new Error('the disk is full');
      },
    };
    await expect(test.build(join(folder, 'context'), { outputs: [failing], tags: ['never:1'] })).rejects.toThrow(
      'the disk is full',
    );
    expect((await test.engine.images(test.caller())).map(({ name }) => name).join()).not.toContain('never');
  });

  it('has a folder for each of several targets', async () => {
    const out = join(folder, 'several');
    const context = join(folder, 'two');
    await mkdir(context);
    await writeFile(join(context, 'a'), 'a');
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM scratch AS one\nCOPY a /one\nFROM scratch AS two\nCOPY a /two\n',
    );
    await test.build(context, {
      targets: [
        { stage: 'one', tags: [] },
        { stage: 'two', tags: [] },
      ],
      outputs: [{ kind: 'local', folder: out }],
    });
    expect((await readdir(out, { recursive: true })).sort()).toEqual(['one', 'one/one', 'two', 'two/two']);
  });

  it('is told layer by layer, without a byte of it', async () => {
    const [low, middle] = await test.engine.files(`${OWN}/layered:1`, test.caller()).catch(async () => {
      await test.engine.pull(`${OWN}/layered:1`, test.caller());
      return await test.engine.files(`${OWN}/layered:1`, test.caller());
    });
    expect(low?.entries.find(({ path }) => path === 'etc/kept')).toEqual({
      path: 'etc/kept',
      type: 'file',
      mode: 0o640,
      uid: 12,
      gid: 34,
      size: 5,
      mtimeNs: '1600000000000000000',
      digest: 'sha256:78051faade059d70866df6a3fb83ef348721fd74a87e93ef95c493f87d0d236b',
    });
    expect(low?.entries.find(({ path }) => path === 'null')).toMatchObject({ device: { major: 1, minor: 3 } });
    expect(low?.entries.find(({ path }) => path === 'linked/third')).toMatchObject({ link: 'linked/second' });
    expect(middle?.removed.sort()).toEqual(['etc/gone', 'linked/first']);
    expect(middle?.emptied).toEqual(['emptied']);
  });
});
