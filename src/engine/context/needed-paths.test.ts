import { expect, it } from 'vitest';
import { CheckPolicy } from '../../dockerfile/checks/policy.ts';
import { parseDockerfile, planStages } from '../../dockerfile/stages.ts';
import type { ImageConfig } from '../../images/config.ts';
import { Problem } from '../../lib/problem.ts';
import type { ResolvedImage } from '../engine.ts';
import type { PlannedBuild } from '../plan-build.ts';
import { neededPaths } from './needed-paths.ts';

const platform = { os: 'linux', architecture: 'amd64' };

function planned(text: string, target?: string): PlannedBuild {
  const inputs = { buildArgs: {}, targets: [target], buildPlatform: platform, targetPlatform: platform };
  const parsed = parseDockerfile(text, 'Dockerfile');
  return {
    inputs,
    plan: planStages(parsed, inputs),
    checks: new CheckPolicy({ skipped: [], all: false, fails: false } as never, []),
    remark: () => undefined,
    reported: [],
  };
}

async function needed(text: string, target?: string, base: Partial<ImageConfig> = {}) {
  const resolve = async (reference: string) => {
    if (reference === 'absent') throw new Problem('not-found', 'no such image');
    return { config: { ...platform, rootfs: { type: 'layers', diff_ids: [] }, ...base } } as unknown as ResolvedImage;
  };
  return await neededPaths([planned(text, target)], resolve);
}

it('are those of COPY, ADD and mounts, once and sorted', async () => {
  expect(
    await needed(`FROM base AS one
COPY --chown=1 b a* /x/
ADD https://example.com/x.tar c.tar b /y/
RUN --mount=target=/m,source=deep/er true
RUN --mount=type=bind,from=other,source=not,target=/n --mount=type=cache,target=/c,source=in-the-cache true
FROM base
COPY --from=one /b /b
COPY <<here /inline
here
COPY ../clamped ./e/./f /z/`),
  ).toEqual(['a*', 'b', 'c.tar', 'clamped', 'deep/er', 'e/f']);
});

it('are none where no instruction of the target reads the context', async () => {
  const text = 'FROM base AS one\nRUN true\nFROM base AS two\nCOPY . /';
  expect(await needed(text, 'one')).toEqual([]);
  expect(await needed(text, 'two')).toBeUndefined();
});

it('go by the variables of the base and of the arguments, and by its triggers', async () => {
  const config = { Env: ['WHERE=from/base'], OnBuild: ['COPY trigger.txt /'] };
  expect(await needed('FROM base\nARG A=arg\nCOPY $WHERE/$A /', undefined, { config })).toEqual([
    'from/base/arg',
    'trigger.txt',
  ]);
});

it('include what a stage needs that only a trigger asks for', async () => {
  const config = { OnBuild: ['COPY --from=spare /x /'] };
  expect(await needed('FROM scratch AS spare\nCOPY x /x\nFROM base\nCOPY y /y', undefined, { config })).toEqual([
    'x',
    'y',
  ]);
});

it('may be anything where a base is not known, and where ** has nothing in front of it', async () => {
  expect(await needed('FROM absent\nCOPY a /')).toBeUndefined();
  expect(await needed('FROM base\nCOPY --parents **/*.json /')).toBeUndefined();
  expect(await needed('FROM base\nCOPY --parents src/**/*.json /')).toEqual(['src']);
});
