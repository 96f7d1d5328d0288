import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../../src/images/digest.ts';
import { putBusybox } from '../image-build/busybox-base.ts';
import { OWN, type TestBuild, type TestEngine } from '../image-build/test-engine.ts';

/** An image of six instructions, two of which make a layer. */
const SIX_STEPS = `FROM ${OWN}/base:1
LABEL a=b
ENV X=1
COPY hello /w/
USER app
COPY world /w/
CMD ["cat", "/w/hello"]
`;

/** Builds as docker's classic builder is asked to. @returns with the ids that the build told, one for each instruction */
export async function buildWithSteps(
  test: TestEngine,
  tags: string[],
  dockerfile = SIX_STEPS,
): Promise<TestBuild & { ids: Digest[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-steps-'));
  try {
    await putBusybox(test.deps);
    await writeFile(join(folder, 'Dockerfile'), dockerfile);
    await writeFile(join(folder, 'hello'), 'hello\n');
    await writeFile(join(folder, 'world'), 'world\n');
    const built = await test.build(folder, { tags, stepImages: true });
    const ids = built.events.flatMap((event) => (event.kind === 'step' && event.image ? [event.image] : []));
    return { ...built, ids };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
