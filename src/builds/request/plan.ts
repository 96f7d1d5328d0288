import type { BuildStepRequest } from './request.ts';

/** A step and the steps that must have ended before it begins. */
export interface PlannedStep {
  index: number;
  /** `Step #0` or `Step #0 - "id"`: how the log names it. */
  label: string;
  after: readonly number[];
}

export type Plan = readonly PlannedStep[];

/**
 * The order that `waitFor` asks for. Nothing said means: after all steps before it; `-` means at once, also beside other
 * names. Names of no earlier step are validate.ts's complaint and are left out here.
 */
export function planOf(steps: readonly BuildStepRequest[]): Plan {
  const indexOf = new Map<string, number>();
  return steps.map((step, index) => {
    const waitFor = step.waitFor ?? [];
    const after =
      waitFor.length === 0
        ? [...Array(index).keys()]
        : waitFor.includes('-')
          ? []
          : waitFor.map((id) => indexOf.get(id)).filter((earlier) => earlier !== undefined);
    if (step.id !== undefined) indexOf.set(step.id, index);
    return { index, label: stepLabel(index, step.id), after };
  });
}

export function stepLabel(index: number, id: string | undefined): string {
  return id === undefined || id === '' ? `Step #${index}` : `Step #${index} - "${id}"`;
}

/** Ids that wait for each other in a ring (`a`, `b`, `a`), or undefined. Looks at all names, earlier or later. */
export function findCircle(steps: readonly BuildStepRequest[]): string[] | undefined {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const done = new Set<string>();
  const visit = (id: string, trail: string[]): string[] | undefined => {
    if (trail.includes(id)) return [...trail.slice(trail.indexOf(id)), id];
    if (done.has(id)) return undefined;
    for (const next of byId.get(id)?.waitFor ?? []) {
      const circle = next === '-' ? undefined : visit(next, [...trail, id]);
      if (circle !== undefined) return circle;
    }
    done.add(id);
    return undefined;
  };
  for (const { id } of steps) {
    const circle = id === undefined ? undefined : visit(id, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
