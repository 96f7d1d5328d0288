import type { Plan } from '../request/plan.ts';

export type StepProgress = 'waiting' | 'running' | 'ended';

/**
 * The steps that may start now. A step that was allowed to fail has ended like any other; one that was not stops the
 * build, and then nobody asks any more.
 */
export function startable(plan: Plan, progress: readonly StepProgress[]): number[] {
  return plan
    .filter(({ index, after }) => progress[index] === 'waiting' && after.every((step) => progress[step] === 'ended'))
    .map(({ index }) => index);
}
