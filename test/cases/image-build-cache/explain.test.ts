import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { isRoot } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';
import { type PretendRuntime, pretendRuntime } from './pretend-runtime.ts';

const BASE = `FROM ${OWN}/base:1`;

/** The answer to "why was this not cached?", as a person gets it after an edit. */
describe.skipIf(!hasBusybox || !isRoot)('a step that was not cached', () => {
  let test: TestEngine;
  let runtime: PretendRuntime;
  let context: string;
  let project = 0;
  beforeAll(async () => {
    runtime = pretendRuntime();
    test = await openTestEngine({ runtime: () => runtime });
    await putBusybox(test.deps);
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    project++;
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    await writeFile(join(context, 'a.py'), 'print()');
    await writeFile(join(context, 'b.py'), 'b');
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (dockerfile: string, request: TestRequest = {}): Promise<TestBuild> => {
    await writeFile(join(context, 'Dockerfile'), `${dockerfile}\n`);
    return await test.build(context, request, { ...test.caller(), project: `p${project}` });
  };
  const why = (result: TestBuild) => {
    const { reason, details = [] } = result.steps.find(({ status }) => status === 'ran') ?? {};
    return [reason, ...details];
  };

  it('had another file', async () => {
    await build(`${BASE}\nCOPY *.py /`);
    await writeFile(join(context, 'a.py'), 'print(1)');
    await writeFile(join(context, 'new.py'), '');
    await rm(join(context, 'b.py'));
    expect(why(await build(`${BASE}\nCOPY *.py /`))).toEqual([
      '3 of 3 files changed: a.py, new.py, b.py',
      expect.stringMatching(/^a\.py: [0-9a-f]{8} -> [0-9a-f]{8}, 7 B -> 8 B$/),
      'new.py: added, 0 B, e3b0c442',
      'b.py: removed',
    ]);
  });

  it('had an argument that its command does not mention', async () => {
    const dockerfile = `${BASE}\nARG V\nRUN install`;
    await build(dockerfile, { buildArgs: { V: '1' } });
    expect(why(await build(dockerfile, { buildArgs: { V: '2' } }))).toEqual([
      'ARG V changed: 1 -> 2',
      'the command does not mention V: declare ARG V below it, and this step stays cached',
    ]);
  });

  it('had a secret of another value, which is told to nobody', async () => {
    const dockerfile = `${BASE}\nARG API_TOKEN\nRUN install $API_TOKEN`;
    await build(dockerfile, { buildArgs: { API_TOKEN: 'hush-1' } });
    const again = await build(dockerfile, { buildArgs: { API_TOKEN: 'hush-2' } });
    expect(why(again)).toEqual(['ARG API_TOKEN changed']);
    const kept = await test.deps.cache.latest(`p${project}`, 'Dockerfile#0#0', 'RUN install $API_TOKEN');
    expect(JSON.stringify(kept)).not.toContain('hush');
  });

  it('stands below an instruction that was inserted', async () => {
    await build(`${BASE}\nRUN install`);
    expect((await build(`${BASE}\nWORKDIR /app\nCOPY a.py .\nRUN install`)).steps.at(-1)).toMatchObject({
      reason: 'WORKDIR changed: / -> /app',
    });
    project++;
    await build(`${BASE}\nRUN install`);
    const inserted = await build(`${BASE}\nCOPY b.py /b\nRUN install`);
    expect(inserted.steps.at(-1)).toMatchObject({
      reason: 'its input changed',
      details: ['what lies below is another: COPY b.py /b'],
    });
  });

  it('stands on another base', async () => {
    await build(`${BASE}\nRUN install`);
    const name = `${OWN}/next:1`;
    await build(`${BASE}\nCOPY a.py /a`, { tags: [name] });
    await test.engine.push(name, { ...test.caller(), project: `p${project}` });
    expect(why(await build(`FROM ${name}\nRUN install`))[0]).toMatch(
      /^the base changed: .*\/base:1@sha256:[0-9a-f]{12} -> .*\/next:1@sha256:[0-9a-f]{12}$/,
    );
  });

  it('was told to run again, and others were not', async () => {
    const dockerfile = `${BASE} AS make\nRUN make\n${BASE}\nRUN other\nCOPY --from=make /make /made`;
    await build(dockerfile);
    const ran = runtime.ran.length;
    const again = await build(dockerfile, { noCacheFilter: ['make'] });
    expect(runtime.ran.slice(ran)).toEqual(['make']);
    // it made the same, so what copies from it is found
    expect(again.steps.map(({ status }) => status)).toEqual(['cached', 'cached']);
    expect(again.events).toContainEqual(
      expect.objectContaining({
        kind: 'note',
        text: 'not cached: the cache is off for this stage (--no-cache-filter make)',
      }),
    );
    const wrong = await build(dockerfile, { noCacheFilter: ['mak'] });
    expect(wrong.events).toContainEqual(expect.objectContaining({ kind: 'warning', rule: 'UnknownStage' }));
  });

  it("is another project's to know", async () => {
    await build(`${BASE}\nRUN make\nCOPY a.py /`);
    project++;
    const other = await build(`${BASE}\nRUN make\nCOPY a.py /`);
    expect(other.steps.map(({ status, reason }) => [status, reason])).toEqual([
      ['ran', 'not built before'],
      ['ran', 'not built before'],
    ]);
  });
});
