import fc from 'fast-check';
import { expect } from 'vitest';
import type { ImageConfig } from '../../../src/images/config.ts';
import { putBusybox } from '../image-build/busybox-base.ts';
import { describeFile, layerChanges } from '../image-build/image-files.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine } from '../image-build/test-engine.ts';
import { pretendRuntime } from './pretend-runtime.ts';
import { type Change, ChangingProject, change, EVERY_CHANGE } from './random-changes.ts';

/**
 * Changes a project at random, builds it by an engine that caches and by one that caches nothing, and compares the images.
 * A failure prints fast-check's seed and the shortest list of changes that shows it.
 * @param runs histories, of up to eight changes each
 */
export async function neverAWrongHit(runs: number): Promise<{ hits: number; steps: number }> {
  const counts = { hits: 0, steps: 0 };
  const seed = Number(process.env['SEED'] ?? Date.now() & 0x7fffffff);
  const cached = await engine();
  const plain = await engine();
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) =>
        compare(changes, cached, plain, counts),
      ),
      { seed, numRuns: runs, endOnFailure: process.env['SEED'] === undefined },
    );
  } finally {
    await cached.close();
    await plain.close();
  }
  console.log(`seed ${seed}: ${counts.hits} of ${counts.steps} steps were cached`);
  return counts;
}

/** The same for every single change by itself: small, and each of them is looked at. */
export async function everyChangeByItself(): Promise<void> {
  const cached = await engine();
  const plain = await engine();
  try {
    for (const each of EVERY_CHANGE) await compare([each], cached, plain, { hits: 0, steps: 0 });
  } finally {
    await cached.close();
    await plain.close();
  }
}

async function engine(): Promise<TestEngine> {
  const runtime = pretendRuntime();
  const test = await openTestEngine({ runtime: () => runtime });
  await putBusybox(test.deps);
  const project = await ChangingProject.create();
  const name = `${OWN}/base:2`;
  await test.build(project.folder, {
    dockerfile: { text: `FROM ${OWN}/base:1\nCOPY lib/d.txt /second\n`, name: 'Dockerfile.base' },
    tags: [name],
  });
  await test.engine.push(name, test.caller());
  await project.remove();
  return test;
}

async function compare(
  changes: readonly Change[],
  cached: TestEngine,
  plain: TestEngine,
  counts: { hits: number; steps: number },
): Promise<void> {
  const project = await ChangingProject.create();
  try {
    for (const each of [undefined, ...changes]) {
      if (each !== undefined) await project.apply(each);
      const request = await project.request();
      const caller = { ...cached.caller(), project: project.wishes.project };
      const found = await cached.build(project.folder, request, caller);
      const made = await plain.build(project.folder, { ...request, noCache: true });
      counts.hits += found.steps.filter(({ status }) => status === 'cached').length;
      counts.steps += found.steps.filter(({ status }) => status !== 'metadata').length;
      expect(await pictureOf(cached, found), JSON.stringify(each)).toEqual(await pictureOf(plain, made));
    }
  } finally {
    await project.remove();
  }
}

/** All that a container of the image could tell, times left out. */
async function pictureOf({ deps }: TestEngine, { image, steps }: TestBuild) {
  const { created: _, history, ...config } = JSON.parse((await deps.content.read(image.id)).toString()) as ImageConfig;
  const files: Record<string, string> = {};
  for (const { layer } of steps)
    for (const file of layer === undefined ? [] : await layerChanges(deps, layer))
      files[file.path] = describeFile(file);
  const { rootfs: _rootfs, ...rest } = config;
  return { config: rest, files, history: history?.map((entry) => [entry.created_by, entry.empty_layer]) };
}
