import { ruleOf } from '../../dockerfile/checks/rules.ts';
import type { Warning } from '../../dockerfile/checks/warnings.ts';
import { Problem } from '../../lib/problem.ts';
import type { PlannedBuild } from '../plan-build.ts';
import type { Progress } from '../progress.ts';
import type { ImageBuildRequest } from '../request.ts';
import { type CheckServices, checkStages } from './check-stages.ts';

/**
 * Looks at the whole file before anything is built: in place of the build (`--check`), or because a warning fails it
 * (`# check=error=true`). Any other build learns of a stage's warnings when it comes to the stage.
 * @returns whether the checks were all that was asked for
 * @throws Problem when the file wants no warnings and there are some; they have all been reported then
 */
export async function checkBuild(
  plans: readonly PlannedBuild[],
  request: ImageBuildRequest,
  services: CheckServices,
  progress: Progress,
): Promise<boolean> {
  const [first] = plans;
  const alone = request.checkOnly === true;
  if (first === undefined || !(alone || first.checks.fails)) return alone;
  let found: Warning[] = [];
  for (const planned of plans) found = found.concat(await checkStages(planned, services));
  const fresh = unlike(first.reported, found);
  const broken = [...first.reported, ...fresh].filter(({ rule }) => ruleOf(rule).shared);
  const fails = first.checks.fails && broken.length > 0;
  if (alone || fails) for (const warning of fresh) progress.emit({ kind: 'warning', ...warning });
  if (fails) throw violation(broken);
  return alone;
}

/** A stage that several plans share says everything once. */
function unlike(known: readonly Warning[], warnings: readonly Warning[]): Warning[] {
  const key = ({ rule, message, place }: Warning) => `${rule} ${place.ranges[0]?.line} ${message}`;
  const seen = new Set(known.map(key));
  return warnings.filter((warning) => {
    const isNew = !seen.has(key(warning));
    seen.add(key(warning));
    return isNew;
  });
}

function violation(broken: readonly Warning[]): Problem {
  const rules = [...new Set(broken.map(({ rule }) => rule))].join(', ');
  return new Problem('failed', `lint violation found for rules: ${rules}`, {
    place: broken[0]?.place,
    hint: 'Warnings fail this build, because it is checked with error=true. slipway build --check shows each with its fix.',
  });
}
