import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import type { BuildEvent } from '../../../src/engine/events.ts';
import { ClassicProgress } from '../../../src/engine/progress/classic.ts';
import { PlainProgress } from '../../../src/engine/progress/plain.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine } from '../image-build/test-engine.ts';
import { failedVertex, maskedClassic, maskedPlain } from './masked.ts';
import { progressCases, readProgressGolden } from './progress-cases.ts';

/** The lines are docker's, but for what masked.ts names; `npm run test:peers` asks docker again. */
describe.skipIf(!hasBusybox || !hasRunc)("a build's lines are docker's", () => {
  let test: TestEngine;
  beforeAll(async () => {
    test = await openTestEngine({
      runtime: (folder) => createRuntime({ dataFolder: folder, tag: 'progress', allowHostNetwork: false }),
    });
    await putBusybox(test.deps);
    await test.engine.pull(`${OWN}/base:1`, test.caller());
    await test.engine.tag(`${OWN}/base:1`, 'busybox', test.caller());
  });
  afterAll(() => test?.close());

  async function build(
    folder: string,
    project: string,
    listen: (event: BuildEvent) => void,
  ): Promise<TestBuild | undefined> {
    try {
      const by = { ...test.caller(), project };
      return await test.build(folder, { tags: ['seen'], stepImages: true, onEvent: listen }, by);
    } catch {
      return undefined;
    }
  }

  async function plain(folder: string, project: string): Promise<string> {
    const written: string[] = [];
    const progress = new PlainProgress((text) => written.push(text));
    await build(folder, project, progress.listen);
    progress.finish();
    return written.join('');
  }

  async function classic(folder: string, project: string): Promise<string> {
    const written: string[] = [];
    const progress = new ClassicProgress((text) => written.push(text), { colours: false });
    const built = await build(folder, project, progress.listen);
    if (built === undefined) progress.failed();
    else progress.built(built.images);
    return written.join('');
  }

  it.each(progressCases)('plain: $name', async (each) => {
    const golden = await readProgressGolden(each);
    const first = await plain(each.folder, `plain-${each.name}`);
    expect(maskedPlain(first)).toEqual(golden.plain.first);
    expect(failedVertex(first)).toBe(golden.plain.failed);
    if (!each.fails) expect(maskedPlain(await plain(each.folder, `plain-${each.name}`))).toEqual(golden.plain.again);
  });

  it.each(progressCases)('classic: $name', async (each) => {
    const golden = await readProgressGolden(each);
    const first = maskedClassic(await classic(each.folder, `classic-${each.name}`));
    if (each.fails) expect(lastStep(first)).toEqual(lastStep(golden.classic.first));
    else expect(first).toEqual(golden.classic.first);
    if (!each.fails)
      expect(maskedClassic(await classic(each.folder, `classic-${each.name}`))).toEqual(golden.classic.again);
  });

  it('gives every step the id that it had before, and the last one that of the image', async () => {
    const { folder = '' } = progressCases.find(({ fails }) => !fails) ?? {};
    const idsOf = (text: string) => [...text.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map(([, id]) => id);
    const first = await classic(folder, 'ids');
    const ids = idsOf(first);
    expect(new Set(ids).size).toBeGreaterThan(4);
    expect(first).toContain(`Successfully built ${ids.at(-1)}`);
    expect(idsOf(await classic(folder, 'ids'))).toEqual(ids);
  });

  it("counts a base's triggers, and a label of the command line as one more step", async () => {
    const parent = { text: 'FROM busybox\nONBUILD ENV A=1\nONBUILD RUN echo triggered\n', name: 'Dockerfile' };
    const { folder = '' } = progressCases[0] ?? {};
    await test.build(folder, { dockerfile: parent, tags: ['parent'] });
    const written: string[] = [];
    const progress = new ClassicProgress((text) => written.push(text), { colours: false });
    const child = { text: 'FROM parent\nENV B=2\n', name: 'Dockerfile' };
    const request = { dockerfile: child, tags: ['child'], labels: { a: 'b' }, stepImages: true };
    const { images } = await test.build(folder, { ...request, onEvent: progress.listen });
    progress.built(images);
    expect(maskedClassic(written.join(''))).toEqual([
      'Step 1/3 : FROM parent',
      'triggered',
      '# Executing 2 build triggers',
      ' ---> ID',
      'Step 2/3 : ENV B=2',
      ' ---> ID',
      'Step 3/3 : LABEL a=b',
      ' ---> ID',
      'Successfully built ID',
      'Successfully tagged child:latest',
    ]);
  });
});

/** The old builder runs stages one after the other, so what stands before a failure is not the same. */
function lastStep(lines: readonly string[]): string[] {
  return lines.slice(lines.findLastIndex((line) => line.startsWith('Step ')));
}
