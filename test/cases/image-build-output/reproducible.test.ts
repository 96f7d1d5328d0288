import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { verifyEncoder } from '../../../src/images/compress.ts';
import type { ImageConfig } from '../../../src/images/config.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { layerChanges } from '../image-build/image-files.ts';
import { hasRunc } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';

const DOCKERFILE = `FROM ${OWN}/base:1
WORKDIR /made/by/workdir
COPY . /files/
ADD archive.tar /unpacked/
RUN echo from a command > /made/by/command && ln /made/by/command /made/by/link && touch -d '2001-02-03 04:05:06' /old
COPY --chown=app:app one /owned
COPY <<EOF /inline
text
EOF
RUN find / -xdev -newermt 2023-11-14 -type f > /tmp/newer; ls -l --full-time /files /made > /times
LABEL a=b
`;
const EPOCH = '1700000000';

interface Machine {
  test: TestEngine;
  context: string;
  build(request?: TestRequest): Promise<TestBuild>;
}

describe.skipIf(!hasBusybox || !hasRunc)('the same inputs on two machines', () => {
  const open: { close(): Promise<void> }[] = [];
  const umask = process.umask();
  afterEach(async () => {
    process.umask(umask);
    for (const machine of open.splice(0).reverse()) await machine.close();
  });
  let archive: string;
  let scratch: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'slipway-reproducible-'));
    await mkdir(join(scratch, 'packed'));
    for (const name of ['x', 'y']) await writeFile(join(scratch, 'packed', name), `packed ${name}`);
    archive = join(scratch, 'archive.tar');
    await promisify(execFile)('tar', ['-cf', archive, '--mtime=2024-05-06', '-C', join(scratch, 'packed'), '.']);
  });
  afterAll(() => rm(scratch, { recursive: true }));

  /** A data folder and a checkout of their own, whose files were made in that order and have these times. */
  async function machine(folder: string, names: string[], mtime: (i: number) => number): Promise<Machine> {
    const test = await openTestEngine({
      runtime: (data) => createRuntime({ dataFolder: data, tag: 'repro', allowHostNetwork: false }),
    });
    open.push(test);
    await putBusybox(test.deps);
    const root = await mkdtemp(join(tmpdir(), folder));
    open.push({ close: () => rm(root, { recursive: true }) });
    const context = join(root, folder);
    await mkdir(context);
    for (const name of names) await writeFile(join(context, name), `content of ${name}`, { mode: 0o644 });
    await promisify(execFile)('cp', [archive, join(context, 'archive.tar')]);
    await writeFile(join(context, 'Dockerfile'), DOCKERFILE);
    for (const [i, name] of (await readdir(context)).entries()) await utimes(join(context, name), mtime(i), mtime(i));
    await promisify(execFile)('chmod', ['-R', 'u=rwX,go=rX', context]);
    return {
      test,
      context,
      build: (request = {}) => test.build(context, { buildArgs: { SOURCE_DATE_EPOCH: EPOCH }, ...request }),
    };
  }
  const digestOf = ({ image }: TestBuild) => image.manifest.digest;

  it('give the same digest, whatever the paths, times, order and umask', async () => {
    const first = await machine('here-', ['one', 'two', 'three'], (i) => 1_750_000_000 + 7 * i);
    const second = await machine('in-a-longer-place-', ['three', 'one', 'two'], (i) => 1_600_000_000 + 11 * i);
    const one = await first.build();
    process.umask(0o077);
    const two = await second.build();
    expect(digestOf(two)).toBe(digestOf(one));
    // and again without any cache, at another time
    process.umask(0o002);
    expect(digestOf(await second.build({ noCache: true }))).toBe(digestOf(one));
  });

  it('dates what is new, and leaves the base alone', async () => {
    const { test, build } = await machine('dates-', ['one'], () => 1_600_000_000);
    const { image, steps } = await build();
    const config = JSON.parse((await test.deps.content.read(image.id)).toString('utf8')) as ImageConfig;
    const date = '2023-11-14T22:13:20.000Z';
    expect(config.created).toBe(date);
    const [base, ...own] = config.history ?? [];
    expect(base?.created).toBe('2024-01-02T03:04:05Z');
    expect(new Set(own.map(({ created }) => created))).toEqual(new Set([date]));
    const files = new Map<string, bigint>();
    for (const { layer } of steps)
      for (const change of layer === undefined ? [] : await layerChanges(test.deps, layer))
        if ('mtimeNs' in change) files.set(change.path, change.mtimeNs);
    const epoch = BigInt(EPOCH) * 1_000_000_000n;
    expect(files.get('files/one')).toBe(epoch);
    expect(files.get('unpacked/x')).toBe(epoch);
    expect(files.get('made/by/command')).toBe(epoch);
    expect(files.get('old')).toBe(981_173_106_000_000_000n);
    expect([...files.values()].every((time) => time <= epoch)).toBe(true);
  });

  it('give other layers for another date, and the old ones for the old date again', async () => {
    const { build } = await machine('other-', ['one'], () => 1_750_000_000);
    const one = await build();
    const two = await build({ buildArgs: { SOURCE_DATE_EPOCH: '1700000001' } });
    expect(digestOf(two)).not.toBe(digestOf(one));
    expect(two.steps.filter(({ status }) => status === 'cached')).toEqual([]);
    expect(two.steps[0]?.reason).toContain('SOURCE_DATE_EPOCH');
    const again = await build();
    expect(digestOf(again)).toBe(digestOf(one));
    expect(again.steps.filter(({ status }) => status === 'ran')).toEqual([]);
  });

  it('say what is wrong with a date', async () => {
    const { build } = await machine('bad-', ['one'], () => 1_750_000_000);
    await expect(build({ buildArgs: { SOURCE_DATE_EPOCH: 'today' } })).rejects.toThrow('SOURCE_DATE_EPOCH=today');
  });

  it('are packed by the encoder whose bytes we know', async () => {
    expect(await verifyEncoder()).toEqual({ id: 'gz1-1m', golden: true });
  });
});
