import { chmod, mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasBusybox, putBusybox } from './busybox-base.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine } from './test-engine.ts';

const BASE = `FROM ${OWN}/base:1`;

/** What a person changes between two builds, and whether the steps below must run again (image-builds.md, 3.1). */
describe.skipIf(!hasBusybox)('layer cache', () => {
  let test: TestEngine;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine();
    await putBusybox(test.deps);
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    await mkdir(join(context, 'src'));
    await writeFile(join(context, 'src/a.txt'), 'a');
    await writeFile(join(context, 'src/b.txt'), 'b');
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (dockerfile: string): Promise<TestBuild> => {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    return await test.build(context);
  };
  const states = (result: TestBuild) => result.steps.map((step) => step.status);

  it('finds everything when nothing changed, and the image keeps its digest', async () => {
    const dockerfile = `${BASE}\nWORKDIR /app\nCOPY src .\nENV A=1\nCMD ["x"]\n`;
    const first = await build(dockerfile);
    expect(states(first)).toEqual(['ran', 'ran', 'metadata', 'metadata']);
    const second = await build(dockerfile);
    expect(states(second)).toEqual(['cached', 'cached', 'metadata', 'metadata']);
    expect(second.image.id).toBe(first.image.id);
    expect(second.image.target).toEqual(first.image.target);
  });

  it('does not look at the time of a file', async () => {
    const dockerfile = `${BASE}\nCOPY src /time/\n`;
    await build(dockerfile);
    await utimes(join(context, 'src/a.txt'), 1, 1);
    expect(states(await build(dockerfile))).toEqual(['cached']);
  });

  it('sees a mode, a content and a name, and says which file it was', async () => {
    const dockerfile = `${BASE}\nCOPY src /seen/\n`;
    await build(dockerfile);
    await chmod(join(context, 'src/a.txt'), 0o600);
    const mode = await build(dockerfile);
    expect(mode.steps[0]).toMatchObject({ status: 'ran', reason: '1 of 2 files changed: src/a.txt' });
    await writeFile(join(context, 'src/b.txt'), 'B');
    const content = await build(dockerfile);
    expect(content.steps[0]).toMatchObject({ status: 'ran', reason: '1 of 2 files changed: src/b.txt' });
    await rename(join(context, 'src/b.txt'), join(context, 'src/c.txt'));
    const name = await build(dockerfile);
    expect(name.steps[0]?.reason).toBe('2 of 2 files changed: src/c.txt, src/b.txt');
  });

  it('takes the same file written another way for the same', async () => {
    await build(`${BASE}\nCOPY src/a.txt /cosmetic\n`);
    expect(states(await build(`${BASE}\nCOPY ./src/./a.txt /cosmetic\n`))).toEqual(['cached']);
  });

  it('is not disturbed by a label above', async () => {
    await build(`${BASE}\nLABEL v=1\nCOPY src /label/\n`);
    expect(states(await build(`${BASE}\nLABEL v=2\nCOPY src /label/\n`))).toEqual(['metadata', 'cached']);
  });

  it('is off when asked', async () => {
    const dockerfile = `${BASE}\nCOPY src /off/\n`;
    const first = await build(dockerfile);
    const again = await test.build(context, { noCache: true });
    expect(states(first)).toEqual(['ran']);
    expect(again.steps[0]).toMatchObject({ status: 'ran', reason: 'the cache is off (--no-cache)' });
  });

  it('finds a copy from a stage by the copied content, also when the stage is another one', async () => {
    const dockerfile = (noise: string) =>
      `${BASE} AS make\nCOPY src/${noise} /noise\nCOPY src/a.txt /out/a\nFROM ${OWN}/base:1\nCOPY --from=make /out /from\n`;
    const first = await build(dockerfile('a.txt'));
    expect(states(first)).toEqual(['ran']);
    expect(states(await build(dockerfile('b.txt')))).toEqual(['cached']);
  });

  it('keeps the digest of an image with a copy from a stage, by whichever record the copy is found', async () => {
    const dockerfile = (noise: string) =>
      `${BASE} AS make\nCOPY src/${noise} /noise\nCOPY src/b.txt /out/b\nFROM ${OWN}/base:1\nCOPY --from=make /out /of\nUSER 1\n`;
    const first = await build(dockerfile('a.txt'));
    const others = [
      await build(dockerfile('a.txt')),
      await build(dockerfile('b.txt')),
      await build(dockerfile('b.txt')),
    ];
    expect(others.map(({ image }) => image.id)).toEqual(others.map(() => first.image.id));
  });
});
