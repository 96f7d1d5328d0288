import type { CheckPolicy } from '../dockerfile/checks/policy.ts';
import { type Remark, remarker, type Warning } from '../dockerfile/checks/warnings.ts';
import { placeOf } from '../dockerfile/complaint.ts';
import type { ParsedDockerfile } from '../dockerfile/parsed.ts';
import type { BuildInputs, StagePlan } from '../dockerfile/program.ts';
import { parseDockerfile, planStages } from '../dockerfile/stages.ts';
import type { Platform } from '../images/platform.ts';
import { Problem } from '../lib/problem.ts';
import type { Progress } from './progress.ts';
import type { ImageBuildRequest } from './request.ts';
import { type StepTable, stepTable } from './steps.ts';

export interface PlannedBuild {
  inputs: BuildInputs;
  plan: StagePlan;
  /** Absent when nobody wants to hear of the instructions one by one. */
  table?: StepTable | undefined;
  /** Which warnings are wanted, and whether one fails the build. */
  checks: CheckPolicy;
  /** Reports what is remarked later on. */
  remark: Remark;
  /** Everything that was reported so far; the same list for all plans. */
  reported: readonly Warning[];
}

/**
 * Reads the Dockerfile and finds what the targets need. There is one plan for all targets, so that what they share is done
 * once; but a file that asks for TARGETSTAGE means another thing for every target, and is planned for each by itself. A
 * check alone looks at every stage.
 * @returns plans whose targets, one after the other, are those of the request
 * @throws Problem with the place, after the warnings about what stands above it
 */
export function planBuild(
  request: ImageBuildRequest,
  dockerfile: { name: string; text: string },
  buildPlatform: Platform,
  progress: Progress,
  contexts: BuildInputs['contexts'] = {},
): PlannedBuild[] {
  const { name, text } = dockerfile;
  const { buildArgs } = request;
  const vertex = progress.begin(`[internal] load build definition from ${name}`);
  const warnings: Warning[] = [];
  const reported: Warning[] = [];
  const emit = (warning: Warning) => {
    reported.push(warning);
    progress.emit({ kind: 'warning', ...warning });
  };
  let parsed: ParsedDockerfile | undefined;
  try {
    parsed = parseDockerfile(text, name, {
      syntax: buildArgs['BUILDKIT_SYNTAX'],
      check: buildArgs['BUILDKIT_DOCKERFILE_CHECK'],
      warnings,
    });
    const { checks, stages } = parsed;
    const read = parsed;
    const remark = remarker(read.source, checks, emit);
    const asked = request.targets.map((target) => target.stage);
    const all = request.checkOnly === true ? stages.map(({ index }) => String(index)) : asked;
    const groups = text.includes('TARGETSTAGE') ? all.map((stage) => [stage]) : [all];
    const plans = groups.map((targets): PlannedBuild => {
      const inputs: BuildInputs = {
        buildArgs,
        targets,
        buildPlatform,
        targetPlatform: request.platform ?? buildPlatform,
        contexts,
      };
      return { inputs, plan: planStages(read, inputs), checks, remark, reported };
    });
    vertex.note(`transferring dockerfile: ${Buffer.byteLength(text)}B done`);
    vertex.end('done');
    const [first] = plans;
    if (first !== undefined) {
      for (const warning of first.plan.warnings) emit(warning);
      remarkUnused(first.plan, remark);
      const [place] = first.plan.stages.map((stage) => stage.place);
      for (const message of unknownFilters(request, stages))
        if (place !== undefined) progress.emit({ kind: 'warning', rule: 'UnknownStage', message, place });
    }
    return request.stepImages === true ? withSteps(plans, read, request.labels, progress) : plans;
  } catch (error) {
    for (const warning of warnings) emit(warning);
    vertex.fail(error);
    if (request.stepImages === true && parsed !== undefined) tellFailedFrom(error, parsed, progress);
    throw error;
  }
}

/**
 * A FROM that can't be planned fails the build before any instruction is done. The old builder comes to it in its turn, so
 * whoever listens for instructions hears which one it is.
 */
function tellFailedFrom(error: unknown, { globalArgs, stages, source }: ParsedDockerfile, progress: Progress): void {
  const line = error instanceof Problem ? error.place?.ranges[0]?.line : undefined;
  const failed = stages.find(({ from }) => from.node.range.line === line)?.from.node;
  if (failed === undefined) return;
  const instructions = stages.flatMap((stage) => [stage.from, ...stage.instructions]);
  const nodes = [...globalArgs, ...instructions].map(({ node }) => node);
  const steps = nodes.map((node) => ({ text: node.text, place: placeOf(source, node.range) }));
  progress.emit({ kind: 'steps', steps });
  for (const n of globalArgs.keys()) progress.emit({ kind: 'step', n, status: 'metadata' });
  progress.begin(failed.text, placeOf(source, failed.range), nodes.indexOf(failed)).fail(error);
}

function withSteps(
  plans: readonly PlannedBuild[],
  { globalArgs, source }: ParsedDockerfile,
  labels: Record<string, string>,
  progress: Progress,
): PlannedBuild[] {
  const globals = globalArgs.map(({ node }) => ({ text: node.text, place: placeOf(source, node.range) }));
  let counted = 0;
  const counting = plans.map((planned) => {
    const table = stepTable(planned.plan, globals, labels, counted);
    counted += table.steps.length;
    return { ...planned, table };
  });
  progress.emit({ kind: 'steps', steps: counting.flatMap(({ table }) => table.steps) });
  for (const { table } of counting)
    for (const n of globals.keys()) progress.emit({ kind: 'step', n: table.from + n, status: 'metadata' });
  return counting;
}

function remarkUnused({ unusedBuildArgs, stages }: StagePlan, remark: Remark): void {
  const [first] = stages;
  if (unusedBuildArgs.length === 0 || first === undefined) return;
  const names = unusedBuildArgs.map(({ name }) => name).join(' ');
  const meant = unusedBuildArgs.flatMap(({ name, meant }) => (meant === undefined ? [] : `${meant} for ${name}`));
  remark('UnusedBuildArg', `One or more build-args [${names}] were not consumed`, first.place.ranges, {
    text:
      meant.length === 0
        ? `Declare where it is used: ARG ${unusedBuildArgs[0]?.name}, or leave --build-arg out`
        : `Did you mean ${meant.join(', and ')}?`,
  });
}

/** Names of `--no-cache-filter` that no stage has: docker keeps silent, and the person wonders why it is cached. */
function unknownFilters(
  { noCacheFilter = [] }: ImageBuildRequest,
  stages: readonly { index: number; from: { name?: string } }[],
): string[] {
  const names = stages.map(({ index, from }) => from.name ?? String(index));
  return noCacheFilter
    .filter((filter) => !names.includes(filter.toLowerCase()) && !stages.some(({ index }) => filter === String(index)))
    .map((filter) => `--no-cache-filter ${filter} names no stage of this file; there are ${names.join(', ')}`);
}
