import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { readMountTable } from '../../../src/kernel/mount-table.ts';
import { hasBusybox, putBusybox } from './busybox-base.ts';
import { hasRunc } from './needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine } from './test-engine.ts';

const BASE = `FROM ${OWN}/base:1`;

describe.skipIf(!hasBusybox || !hasRunc)('RUN', () => {
  let test: TestEngine;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine({
      runtime: (folder) => createRuntime({ dataFolder: folder, tag: 'enginetest', allowHostNetwork: false }),
    });
    await putBusybox(test.deps);
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (dockerfile: string, request = {}, signal?: AbortSignal): Promise<TestBuild> => {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    return await test.build(context, request, test.caller(signal));
  };
  const output = (result: TestBuild) =>
    result.events.flatMap((event) => (event.kind === 'output' ? [event.text] : [])).join('');

  it('runs on what stands above, as the stage says, and shows what it prints', async () => {
    const result = await build(
      `${BASE}\nENV WHO=world\nWORKDIR /work\nUSER app\nRUN echo "hello $WHO from $PWD as $(id -u):$(id -g)"\n`,
    );
    expect(output(result)).toBe('hello world from /work as 1000:1001\n');
  });

  it('makes no layer when nothing changed, and does not run again', async () => {
    const dockerfile = `${BASE}\nRUN ls / > /dev/null\n`;
    const first = await build(dockerfile);
    expect(first.steps[0]).toMatchObject({ status: 'ran', layer: undefined });
    expect((await build(dockerfile)).steps[0]).toMatchObject({ status: 'cached' });
  });

  it('runs again when the build gives it another network', async () => {
    const dockerfile = `${BASE}\nRUN ls /sys/class/net > /links\n`;
    const bridge = await test.deps.runtime.createNetwork('run-network-test');
    try {
      await build(dockerfile, { network: { kind: 'none' } });
      const joined = await build(dockerfile, { network: { kind: 'bridge', bridge } });
      expect(joined.steps[0]).toMatchObject({ status: 'ran', reason: '--network changed: none -> default' });
      expect((await build(dockerfile, { network: { kind: 'none' } })).steps[0]).toMatchObject({ status: 'cached' });
    } finally {
      await bridge.close();
    }
  });

  it('keeps the old layer when it did the same again, so that what follows stays cached', async () => {
    const dockerfile = (comment: string) =>
      `${BASE}\nRUN echo same > /made && touch /tmp/t # ${comment}\nCOPY Dockerfile.fixed /x\nRUN cat /made > /copy\n`;
    await writeFile(join(context, 'Dockerfile.fixed'), 'x');
    const first = await build(dockerfile('one'));
    const second = await build(dockerfile('two'));
    expect(second.steps.map((step) => step.status)).toEqual(['ran', 'cached', 'cached']);
    expect(second.steps[0]?.layer).toEqual(first.steps[0]?.layer);
    expect(second.steps[0]?.reason).toBe('the instruction changed');
  });

  it('names the ARG that made it run again', async () => {
    const dockerfile = `${BASE}\nARG V=0\nRUN echo $V > /v\n`;
    await build(dockerfile, { buildArgs: { V: '1' } });
    const second = await build(dockerfile, { buildArgs: { V: '2' } });
    expect(second.steps.at(-1)).toMatchObject({ status: 'ran', reason: 'ARG V changed: 1 -> 2' });
  });

  it('says code and last words of a command that fails, and names nothing', async () => {
    await expect(build(`${BASE}\nRUN echo before; exit 3\n`, { tags: [`${OWN}/failed:1`] })).rejects.toMatchObject({
      code: 'failed',
      exitCode: 3,
      message: 'process "/bin/sh -c echo before; exit 3" did not complete successfully: exit code: 3',
      hint: 'Its last lines:\nbefore',
      place: { file: 'Dockerfile', ranges: [{ line: 2 }] },
    });
    expect((await test.engine.images(test.caller())).map((image) => image.name)).not.toContain(`${OWN}/failed:1`);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const abort = new AbortController();
    const started = performance.now();
    const running = build(
      `${BASE}\nRUN echo up && sleep 60\n`,
      {
        onEvent: (event: { kind: string }) => {
          if (event.kind === 'output') abort.abort();
        },
      },
      abort.signal,
    );
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(performance.now() - started).toBeLessThan(20_000);
    expect((await readMountTable()).filter((entry) => entry.target.startsWith(test.folder))).toEqual([]);
    expect(await readdir(join(test.folder, 'snapshots/a'))).toEqual([]);
    expect(await readdir(join(test.folder, 'snapshots/l'))).toEqual([]);
    expect(await readdir(join(test.folder, 'content/ingest')).catch(() => [])).toEqual([]);
  });

  it('runs stages side by side', async () => {
    const started = performance.now();
    await build(
      `${BASE} AS a\nRUN sleep 1.5 && touch /a\n${BASE} AS b\nRUN sleep 1.5 && touch /b\n${BASE}\nCOPY --from=a /a /\nCOPY --from=b /b /\n`,
    );
    expect(performance.now() - started).toBeLessThan(2900);
  });

  it('ends the other stages when one fails', async () => {
    const started = performance.now();
    await expect(
      build(`${BASE} AS a\nRUN sleep 30\n${BASE} AS b\nRUN exit 4\n${BASE}\nCOPY --from=a / /a\nCOPY --from=b / /b\n`),
    ).rejects.toMatchObject({ code: 'failed', exitCode: 4 });
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('runs a here-document with an interpreter of its own, and leaves no trace of the script', async () => {
    const result = await build(`${BASE}\nRUN <<EOF\n#!/bin/busybox sh\necho from script\nEOF\n`);
    expect(output(result)).toBe('from script\n');
    expect(result.steps[0]?.layer).toBeUndefined();
  });
});
