import type { BuildInputs, StagePlan } from '../dockerfile/program.ts';
import { parseDockerfile, planStages } from '../dockerfile/stages.ts';
import type { Platform } from '../images/platform.ts';
import type { Progress } from './progress.ts';
import type { ImageBuildRequest } from './request.ts';

export interface PlannedBuild {
  inputs: BuildInputs;
  plan: StagePlan;
}

/**
 * Reads the Dockerfile and finds what the targets need. There is one plan for all targets, so that what they share is done
 * once; but a file that asks for TARGETSTAGE means another thing for every target, and is planned for each by itself.
 * @returns plans whose targets, one after the other, are those of the request
 * @throws Problem with the place
 */
export function planBuild(
  request: ImageBuildRequest,
  dockerfile: { name: string; text: string },
  buildPlatform: Platform,
  progress: Progress,
): PlannedBuild[] {
  const { name, text } = dockerfile;
  const vertex = progress.begin(`[internal] load build definition from ${name}`);
  const stages = request.targets.map((target) => target.stage);
  const groups = text.includes('TARGETSTAGE') ? stages.map((stage) => [stage]) : [stages];
  try {
    const parsed = parseDockerfile(text, name, { syntax: request.buildArgs['BUILDKIT_SYNTAX'] });
    const plans = groups.map((targets): PlannedBuild => {
      const inputs: BuildInputs = {
        buildArgs: request.buildArgs,
        targets,
        buildPlatform,
        targetPlatform: request.platform ?? buildPlatform,
      };
      return { inputs, plan: planStages(parsed, inputs) };
    });
    vertex.note(`transferring dockerfile: ${Buffer.byteLength(text)}B done`);
    vertex.end('done');
    const [first] = plans;
    if (first !== undefined) warn(first.plan, progress);
    return plans;
  } catch (error) {
    vertex.fail(error);
    throw error;
  }
}

function warn({ warnings, unusedBuildArgs, stages }: StagePlan, progress: Progress): void {
  for (const warning of warnings) progress.emit({ kind: 'warning', ...warning });
  const [first] = stages;
  if (unusedBuildArgs.length > 0 && first !== undefined)
    progress.emit({
      kind: 'warning',
      rule: 'UnusedBuildArg',
      message: `One or more build-args [${unusedBuildArgs.join(' ')}] were not consumed`,
      place: first.place,
    });
}
