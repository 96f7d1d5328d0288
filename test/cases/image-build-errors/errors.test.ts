import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { renderWarning } from '../../../src/dockerfile/checks/report.ts';
import { Problem, renderProblem } from '../../../src/lib/problem.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { openTestEngine, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';

/**
 * A folder for each way in which a build goes wrong, or would go wrong silently elsewhere: the Dockerfile, perhaps a
 * context and what the build is asked (build.json), and what the person reads. `vitest -u` writes expected.txt anew.
 */
const CASES = import.meta.dirname;
const names = readdirSync(CASES, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe.skipIf(!hasBusybox || !hasRunc)('builds that go wrong (need busybox and runc as root)', () => {
  let test: TestEngine;
  let context = '';
  beforeAll(async () => {
    test = await openTestEngine({
      runtime: (folder) => createRuntime({ dataFolder: folder, tag: 'errorcases', allowHostNetwork: false }),
    });
    await putBusybox(test.deps);
  });
  afterAll(() => test.close());
  afterEach(() => rm(context, { recursive: true, force: true }));

  it.each(names)('%s', async (name) => {
    const folder = join(CASES, name);
    context = await mkdtemp(join(tmpdir(), 'slipway-errors-'));
    if (existsSync(join(folder, 'context'))) await cp(join(folder, 'context'), context, { recursive: true });
    await cp(join(folder, 'Dockerfile'), join(context, 'Dockerfile'));
    const settings = join(folder, 'build.json');
    const request: TestRequest = existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : {};
    await expect(await saidBy(request)).toMatchFileSnapshot(join(folder, 'expected.txt'));
  });

  /** The warnings, and how it ended. */
  async function saidBy({ target, ...request }: TestRequest): Promise<string> {
    const said: string[] = [];
    try {
      await test.engine.build(
        {
          context: { kind: 'folder', path: context },
          dockerfile: { path: 'Dockerfile' },
          targets: [{ stage: target, tags: [] }],
          buildArgs: {},
          labels: {},
          cacheFrom: [],
          noCache: false,
          pull: false,
          network: { kind: 'none' },
          onEvent: (event) => {
            if (event.kind === 'warning') said.push(renderWarning(event));
          },
          ...request,
        },
        test.caller(),
      );
      said.push(request.checkOnly ? 'checked' : 'built');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said.push(renderProblem(error));
    }
    return `${said.join('\n\n')}\n`;
  }
});
