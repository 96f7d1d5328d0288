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
});

/** The old builder runs stages one after the other, so what stands before a failure is not the same. */
function lastStep(lines: readonly string[]): string[] {
  return lines.slice(lines.findLastIndex((line) => line.startsWith('Step ')));
}
