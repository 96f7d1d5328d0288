import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Problem, renderProblem } from '../lib/problem.ts';
import { interpretStage } from './interpret.ts';
import type { BaseState, BuildInputs } from './program.ts';
import { parseDockerfile, planStages } from './stages.ts';

/** A folder for each mistake: the Dockerfile, perhaps how it is built (build.json), and what the person reads. */
const cases = new URL('../../test/cases/dockerfile-errors/', import.meta.url);
const linux = { os: 'linux', architecture: 'amd64' };

function compile(text: string, options: Partial<BuildInputs>): void {
  const inputs: BuildInputs = { buildArgs: {}, buildPlatform: linux, targetPlatform: linux, labels: {}, ...options };
  const plan = planStages(parseDockerfile(text, 'Dockerfile'), inputs);
  const bases = new Map<number, BaseState>();
  for (const stage of plan.stages) {
    const parent = stage.base.kind === 'stage' ? bases.get(stage.base.index) : undefined;
    const empty: BaseState = { config: { ...linux, rootfs: { type: 'layers', diff_ids: [] } }, args: {} };
    const program = interpretStage(stage, parent ?? empty, inputs);
    bases.set(stage.index, { config: { ...empty.config, config: program.config }, args: program.args });
  }
}

describe('what is said about a mistake', () => {
  it.each(readdirSync(cases))('%s', async (name) => {
    const folder = new URL(`${name}/`, cases);
    const settings = new URL('build.json', folder);
    const options = existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : {};
    let said = '';
    try {
      compile(readFileSync(new URL('Dockerfile', folder), 'utf8'), options);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said = `${renderProblem(error)}\n`;
    }
    await expect(said).toMatchFileSnapshot(new URL('expected.txt', folder).pathname);
  });
});
