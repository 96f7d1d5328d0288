import type { BuildTarget } from '../engine/request.ts';
import { UsageProblem } from './usage-problem.ts';

/**
 * `--target STAGE[=IMAGE]` and `-t`: one target takes all tags, as docker has it; of several each has its own, and a stage
 * that is named again gets another name.
 * @throws UsageProblem
 */
export function buildTargets(targets: readonly string[], tags: readonly string[]): BuildTarget[] {
  if (targets.length === 0) return [{ tags: [...tags] }];
  const stages = new Map<string, string[]>();
  for (const text of targets) {
    const equals = text.indexOf('=');
    const stage = equals < 0 ? text : text.slice(0, equals);
    const name = equals < 0 ? undefined : text.slice(equals + 1);
    if (stage === '' || name === '')
      throw new UsageProblem(`--target ${text}: a stage and a name are expected`, 'Write --target STAGE=IMAGE.');
    stages.set(stage, [...(stages.get(stage) ?? []), ...(name === undefined ? [] : [name])]);
  }
  if (stages.size > 1 && tags.length > 0)
    throw new UsageProblem(
      `-t ${tags[0]}: there are ${stages.size} targets, and it can't mean all of them`,
      'Name each target: --target STAGE=IMAGE.',
    );
  return [...stages].map(([stage, names]) => ({ stage, tags: [...tags, ...names] }));
}
