import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import type { ImageConfig } from '../../../src/images/config.ts';
import { readMountTable } from '../../../src/kernel/mount-table.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';

const BASE = `FROM ${OWN}/base:1`;

describe.skipIf(!hasBusybox || !hasRunc)('several targets of one Dockerfile', () => {
  let test: TestEngine;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine({
      runtime: (folder) => createRuntime({ dataFolder: folder, tag: 'targetstest', allowHostNetwork: false }),
    });
    await putBusybox(test.deps);
  });
  afterAll(() => test?.close());
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (dockerfile: string, request: TestRequest = {}): Promise<TestBuild> => {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    return await test.build(context, request);
  };
  const configOf = async (build: TestBuild, i: number): Promise<ImageConfig> => {
    const { image } = build.images[i] ?? { image: undefined };
    if (image === undefined) throw new Error(`no image ${i}`);
    return JSON.parse((await test.deps.content.read(image.id)).toString('utf8')) as ImageConfig;
  };
  const runs = (result: TestBuild, text: string) =>
    result.events.filter((event) => event.kind === 'vertex' && event.name.includes(text)).length;

  it('does what they share once, and names each', async () => {
    const result = await build(
      `${BASE} AS shared\nRUN echo shared > /shared\nFROM shared AS api\nCMD ["api"]\nFROM shared AS worker\nCMD ["worker"]\n`,
      {
        noCache: true,
        targets: [
          { stage: 'api', tags: ['api:1', 'api:latest'] },
          { stage: 'worker', tags: ['worker:1'] },
        ],
      },
    );
    expect(runs(result, 'RUN echo shared')).toBe(1);
    expect((await configOf(result, 0)).config?.Cmd).toEqual(['api']);
    expect((await configOf(result, 1)).config?.Cmd).toEqual(['worker']);
    expect(result.images.map(({ tags }) => tags)).toEqual([['api:1', 'api:latest'], ['worker:1']]);
    const named = new Map((await test.engine.images(test.caller())).map(({ name, id }) => [name, id]));
    expect(named.get('docker.io/library/api:latest')).toBe(result.images[0]?.image.id);
    expect(named.get('docker.io/library/worker:1')).toBe(result.images[1]?.image.id);
  });

  it('labels what was asked for, and not what that is built on', async () => {
    const dockerfile = `${BASE} AS low\nLABEL own=low\nFROM low AS high\nLABEL own=high\n`;
    const both = await build(dockerfile, {
      labels: { 'org.example': 'x' },
      targets: [
        { stage: 'high', tags: [] },
        { stage: 'low', tags: [] },
      ],
    });
    expect((await configOf(both, 0)).config?.Labels).toEqual({ own: 'high', 'org.example': 'x' });
    expect((await configOf(both, 1)).config?.Labels).toEqual({ own: 'low', 'org.example': 'x' });
    const alone = await build(dockerfile, { labels: { 'org.example': 'x' }, target: 'high' });
    expect(alone.image.id).toBe(both.images[0]?.image.id);
  });

  it('names nothing when one of them fails', async () => {
    const dockerfile = `${BASE} AS good\nRUN echo good > /good\n${BASE} AS bad\nRUN exit 3\n`;
    const targets = [
      { stage: 'good', tags: ['never:good'] },
      { stage: 'bad', tags: ['never:bad'] },
    ];
    await expect(build(dockerfile, { targets })).rejects.toMatchObject({ code: 'failed', exitCode: 3 });
    const names = (await test.engine.images(test.caller())).map(({ name }) => name);
    expect(names.filter((name) => name.includes('never'))).toEqual([]);
  });

  it('keeps the bytes of one that is FROM alone beside one that is built', async () => {
    const result = await build(`${BASE} AS plain\n${BASE} AS built\nLABEL a=b\n`, {
      targets: [
        { stage: 'built', tags: [] },
        { stage: 'plain', tags: [] },
      ],
    });
    expect(result.images.map(({ kept }) => kept)).toEqual([false, true]);
  });

  it('tells each its own TARGETSTAGE', async () => {
    const result = await build(
      `${BASE} AS one\nARG TARGETSTAGE\nENV STAGE=$TARGETSTAGE\n${BASE} AS two\nARG TARGETSTAGE\nENV STAGE=$TARGETSTAGE\n`,
      {
        targets: [
          { stage: 'one', tags: [] },
          { stage: 'two', tags: [] },
        ],
      },
    );
    expect((await configOf(result, 0)).config?.Env).toContain('STAGE=one');
    expect((await configOf(result, 1)).config?.Env).toContain('STAGE=two');
  });

  it('leaves out what no target needs', async () => {
    const result = await build(`${BASE} AS broken\nRUN exit 1\n${BASE} AS wanted\nRUN echo a > /a\nFROM broken\n`, {
      target: 'wanted',
    });
    expect(runs(result, 'exit 1')).toBe(0);
  });

  it('ends everything at once when a branch fails, and leaves nothing behind', async () => {
    await writeFile(
      join(context, 'Dockerfile'),
      `${BASE} AS slow\nRUN echo started && sleep 100\n${BASE} AS bad\nRUN sleep 1; exit 4\n${BASE}\nCOPY --from=slow /a /a\nCOPY --from=bad /b /b\n`,
    );
    let failedAt = 0;
    const started: string[] = [];
    await expect(
      test.build(context, {
        onEvent: (event) => {
          if (event.kind === 'output') started.push(event.text);
          if (event.kind === 'end' && event.status === 'error') failedAt = performance.now();
        },
      }),
    ).rejects.toMatchObject({ code: 'failed', exitCode: 4 });
    expect(performance.now() - failedAt).toBeLessThan(1000);
    expect(started.join('')).toContain('started');
    expect(await readdir(join(test.folder, 'snapshots', 'a'))).toEqual([]);
    expect(await readdir(join(test.folder, 'content', 'ingest'))).toEqual([]);
    expect((await readMountTable()).filter(({ target }) => target.startsWith(test.folder))).toEqual([]);
  });

  it('asks again for a base with --pull, and only then', async () => {
    const dockerfile = `FROM ${OWN}/moving:1\nLABEL a=b\n`;
    await putBusybox(test.deps, 'moving:1');
    await test.engine.pull(`${OWN}/moving:1`, test.caller());
    const before = await build(dockerfile);
    const other = await putBusybox(test.deps, 'moving:1', { os: 'linux', architecture: 'amd64', variant: 'v3' });
    const layersOf = async (result: TestBuild) =>
      JSON.parse((await test.deps.content.read(result.image.manifest.digest)).toString('utf8')).annotations;
    expect(await layersOf(await build(dockerfile))).toEqual(await layersOf(before));
    expect(await layersOf(await build(dockerfile, { pull: true }))).toMatchObject({
      'org.opencontainers.image.base.digest': other.digest,
    });
  });
});
