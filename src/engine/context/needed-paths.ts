import { isRemoteSource } from '../../dockerfile/interpret/remote-source.ts';
import { interpretStage } from '../../dockerfile/interpret.ts';
import type { Operation, Stage, StageProgram } from '../../dockerfile/program.ts';
import type { Platform } from '../../images/platform.ts';
import type { Place } from '../../lib/problem.ts';
import { Problem } from '../../lib/problem.ts';
import type { ResolvedImage } from '../engine.ts';
import type { PlannedBuild } from '../plan-build.ts';
import { cleanPath } from '../trees/entry.ts';
import { isGlob } from './select.ts';

type Resolve = (reference: string, platform: Platform, place: Place) => Promise<ResolvedImage>;

/**
 * The paths and globs of the context that the targets of these plans read, sorted, so that nothing else need be brought.
 * Bases are resolved for it, since their variables and triggers decide what later words mean.
 * @returns undefined when it may be anything
 */
export async function neededPaths(plans: readonly PlannedBuild[], resolve: Resolve): Promise<string[] | undefined> {
  const found = new Set<string>();
  for (const planned of plans) {
    const programs = await programsOf(planned, resolve);
    if (programs === undefined) return undefined;
    for (const { operations } of programs)
      for (const source of operations.flatMap(contextSources)) {
        const path = followable(source);
        if (path === '') return undefined;
        found.add(path);
      }
  }
  return [...found].sort();
}

/** Undefined when a line can't be understood without building: the build itself says what is wrong. */
async function programsOf({ plan, inputs }: PlannedBuild, resolve: Resolve): Promise<StageProgram[] | undefined> {
  const all = [...plan.stages, ...plan.spare];
  const known = new Map<number, Promise<StageProgram>>();
  const programOf = (index: number): Promise<StageProgram> => {
    const program = known.get(index) ?? interpret(index);
    known.set(index, program);
    return program;
  };
  const interpret = async (index: number): Promise<StageProgram> => {
    const stage = all.find((candidate) => candidate.index === index);
    if (stage === undefined) throw new Problem('invalid', `no stage ${index}`);
    const base = await baseOf(stage);
    return interpretStage(stage, base, inputs);
  };
  const baseOf = async ({ base, platform }: Stage) => {
    const empty = { ...inputs.targetPlatform, rootfs: { type: 'layers' as const, diff_ids: [] } };
    if (base.kind === 'image') {
      const { config } = await resolve(base.reference, platform ?? inputs.targetPlatform, base.place);
      return { config, args: {} };
    }
    if (base.kind !== 'stage') return { config: empty, args: {} };
    const parent = await programOf(base.index);
    return { config: { ...empty, config: parent.config }, args: parent.args };
  };
  try {
    await Promise.all(plan.stages.map(({ index }) => programOf(index)));
    // a trigger of a base may ask for a stage that the plan thought spare
    for (let count = 0; count < known.size; ) {
      count = known.size;
      const programs = await Promise.all(known.values());
      await Promise.all(programs.flatMap(({ operations }) => operations.flatMap(stagesOf)).map(programOf));
    }
    return await Promise.all(known.values());
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    return undefined;
  }
}

function contextSources(operation: Operation): string[] {
  if (operation.kind === 'workdir') return [];
  if (operation.kind === 'run')
    return operation.mounts.flatMap((mount) =>
      'from' in mount && mount.from?.kind === 'context' ? [mount.source] : [],
    );
  if (operation.from.kind !== 'context') return [];
  return operation.sources.filter((source) => !(operation.kind === 'add' && isRemoteSource(source)));
}

function stagesOf(operation: Operation): number[] {
  if (operation.kind === 'workdir') return [];
  const froms =
    operation.kind === 'run'
      ? operation.mounts.flatMap((mount) => ('from' in mount ? mount.from : []))
      : [operation.from];
  return froms.flatMap((from) => (from?.kind === 'stage' ? [from.index] : []));
}

/** A path as clients follow it: by Go's globs, which have no `**`. */
function followable(source: string): string {
  const parts = cleanPath(source).split('/');
  const deep = parts.indexOf('**');
  const path = (deep < 0 ? parts : parts.slice(0, deep)).join('/');
  return isGlob(path) && deep >= 0 ? '' : path;
}
