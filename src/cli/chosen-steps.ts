import type { BuildStepRequest } from '../builds/request/request.ts';
import { UsageProblem } from './usage-problem.ts';

export interface StepChoice {
  step?: string | undefined;
  fromStep?: string | undefined;
}

/**
 * Which steps run: one, or one and all that stand behind it in the file.
 * @throws UsageProblem when there is no such step
 */
export function chosenSteps(
  steps: readonly BuildStepRequest[],
  { step, fromStep }: StepChoice,
): (index: number) => boolean {
  if (step !== undefined && fromStep !== undefined)
    throw new UsageProblem('--step and --from-step exclude each other', 'Name one of them.');
  if (step !== undefined) {
    const only = indexOf(steps, step, '--step');
    return (index) => index === only;
  }
  const first = fromStep === undefined ? 0 : indexOf(steps, fromStep, '--from-step');
  return (index) => index >= first;
}

/** By id, else by number. */
function indexOf(steps: readonly BuildStepRequest[], name: string, option: string): number {
  const byId = steps.findIndex(({ id }) => id === name);
  if (byId >= 0) return byId;
  const number = /^\d+$/.test(name) ? Number(name) : -1;
  if (number >= 0 && number < steps.length) return number;
  const known = steps.map(
    ({ id, name: image }, index) => `${index}${id === undefined ? '' : ` ${id}`} (${image ?? ''})`,
  );
  throw new UsageProblem(`${option} ${name}: there is no such step`, `The build has\n${known.join('\n')}`);
}
