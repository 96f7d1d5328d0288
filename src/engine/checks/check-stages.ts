import { remarker, type Warning } from '../../dockerfile/checks/warnings.ts';
import { interpretStage } from '../../dockerfile/interpret.ts';
import type { BaseState, BuildInputs, Stage, StageProgram } from '../../dockerfile/program.ts';
import type { Platform } from '../../images/platform.ts';
import { type Place, Problem } from '../../lib/problem.ts';
import type { ContextFiles } from '../context/context-files.ts';
import type { ResolvedImage } from '../engine.ts';
import type { PlannedBuild } from '../plan-build.ts';
import { checkIgnoredSources } from './ignored-sources.ts';

export interface CheckServices {
  resolve: (reference: string, platform: Platform, place: Place) => Promise<ResolvedImage>;
  context: Pick<ContextFiles, 'tree' | 'exclusion' | 'whyExcluded'>;
}

interface CheckedStage {
  program: StageProgram;
  /** Its base could not be resolved. */
  unknown: boolean;
}

/**
 * Reads every stage of a plan to the end without building anything.
 * @returns the warnings that need more than the text: what the base images set, and what the context holds
 * @throws Problem about a line that can't be built
 */
export async function checkStages({ plan, inputs }: PlannedBuild, services: CheckServices): Promise<Warning[]> {
  const warnings: Warning[] = [];
  const checked = new Map<number, CheckedStage>();
  for (const stage of plan.stages) {
    const remark = remarker(stage.scope.source, stage.scope.checks, (warning) => warnings.push(warning));
    const base = await resolvedBase(stage, inputs, services).catch((error: unknown) => {
      if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
      remark('UnresolvedBase', `What ${stage.text} brings is not known: ${error.message}`, stage.place.ranges, {
        text: error.hint ?? 'Check the name; what depends on the base was not checked',
      });
      return undefined;
    });
    const parent = stage.base.kind === 'stage' ? checked.get(stage.base.index) : undefined;
    const unknown = parent?.unknown ?? base === undefined;
    const config = { ...(base?.config ?? emptyConfig(inputs)), ...(parent && { config: parent.program.config }) };
    const program = interpret(stage, { config, args: parent?.program.args ?? {}, unknown }, inputs);
    checked.set(stage.index, { program, unknown });
    for (const warning of program.warnings) warnings.push(warning);
    for (const operation of program.operations)
      if (operation.kind === 'copy' || operation.kind === 'add')
        checkIgnoredSources(operation, services.context, remark);
  }
  return warnings;
}

/** Undefined for a base that only a build opens. */
async function resolvedBase(
  { base, platform }: Stage,
  inputs: BuildInputs,
  { resolve }: CheckServices,
): Promise<Pick<BaseState, 'config'> | undefined> {
  if (base.kind === 'image') return await resolve(base.reference, platform ?? inputs.targetPlatform, base.place);
  return base.kind === 'scratch' || base.kind === 'stage' ? { config: emptyConfig(inputs) } : undefined;
}

function emptyConfig({ targetPlatform }: BuildInputs): BaseState['config'] {
  return { ...targetPlatform, rootfs: { type: 'layers', diff_ids: [] } };
}

/** On an unknown base a line that seems wrong may be right: the base may set what it uses. */
function interpret(stage: Stage, base: BaseState, inputs: BuildInputs): StageProgram {
  try {
    return interpretStage(stage, base, inputs);
  } catch (error) {
    if (!base.unknown || !(error instanceof Problem)) throw error;
    return { operations: [], config: {}, history: [], args: base.args, warnings: [] };
  }
}
