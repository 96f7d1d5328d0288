import { existsSync, readdirSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { hasBusybox, putBusybox } from './busybox-base.ts';
import { filesAbove } from './image-files.ts';
import { hasRunc } from './needs.ts';
import { openTestEngine, type TestEngine } from './test-engine.ts';

/** What `expect.json` of a case says; whatever it leaves out is not looked at. */
interface Expected {
  buildArgs?: Record<string, string>;
  target?: string;
  /** Layers above the base. */
  layers?: number;
  /** Every path of those layers, as `describeFile` writes it. */
  files?: Record<string, string>;
  /** Part of the image's run configuration. */
  config?: Record<string, unknown>;
  /** `created_by` of the entries above the base's. */
  history?: string[];
  problem?: { code?: string; message?: string; hint?: string; line?: number };
}

const CASES = import.meta.dirname;
const names = readdirSync(CASES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(CASES, entry.name, 'expect.json')))
  .map((entry) => entry.name);

/** A checkout's modes follow the umask of whoever cloned it. */
async function settleModes(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), entry.name.endsWith('.sh') ? 0o755 : 0o644);
    else if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755);
}

describe.skipIf(!hasBusybox)('image builds', () => {
  let test: TestEngine;
  beforeAll(async () => {
    test = await openTestEngine({
      runtime: (folder) => createRuntime({ dataFolder: folder, tag: 'enginecases', allowHostNetwork: false }),
    });
    await putBusybox(test.deps);
  });
  afterAll(() => test.close());

  it.each(names)('%s', async (name) => {
    const folder = join(CASES, name);
    const dockerfile = await readFile(join(folder, 'Dockerfile'), 'utf8');
    if (/^RUN/m.test(dockerfile) && !hasRunc) return;
    const expected = JSON.parse(await readFile(join(folder, 'expect.json'), 'utf8')) as Expected;
    const context = await mkdtemp(join(tmpdir(), 'slipway-case-'));
    try {
      if (existsSync(join(folder, 'context')))
        await cp(join(folder, 'context'), context, { recursive: true, verbatimSymlinks: true });
      await settleModes(context);
      await check(context, dockerfile, name, expected);
    } finally {
      await rm(context, { recursive: true });
    }
  });

  async function check(context: string, text: string, name: string, expected: Expected): Promise<void> {
    const { buildArgs = {}, target } = expected;
    const tags = [`case-${name}:1`];
    const building = test.build(context, { dockerfile: { text, name: 'Dockerfile' }, tags, buildArgs, target });
    if (expected.problem !== undefined) {
      const problem = await building.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(problem).toBeInstanceOf(Problem);
      const { code, message, hint, place } = problem as Problem;
      const found = { code, message, hint, line: place?.ranges[0]?.line };
      expect(found).toMatchObject(expected.problem);
      return;
    }
    await building;
    const { layers, config } = await test.engine.inspect(tags[0] ?? '', test.caller());
    const base = /^FROM scratch/m.test(text.slice(text.lastIndexOf('FROM '))) ? 0 : 1;
    const own = layers.slice(base);
    if (expected.layers !== undefined) expect(own).toHaveLength(expected.layers);
    if (expected.files !== undefined) expect(await filesAbove(test.deps, own)).toEqual(expected.files);
    if (expected.config !== undefined) expect(config.config).toMatchObject(expected.config);
    if (expected.history !== undefined)
      expect(config.history?.slice(base).map((entry) => entry.created_by)).toEqual(expected.history);
  }
});
