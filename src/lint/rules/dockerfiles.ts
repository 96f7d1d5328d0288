import type { ParsedDockerfile } from '../../dockerfile/parsed.ts';
import type { BuildInputs } from '../../dockerfile/program.ts';
import { planStages } from '../../dockerfile/stages.ts';
import { Problem, placeLabel } from '../../lib/problem.ts';
import { type Finding, findingOf } from '../finding.ts';
import type { DockerCall } from '../project/docker-call.ts';
import type { DockerfileText } from '../project/project.ts';
import type { Rule } from '../rule.ts';

const PLATFORM = { os: 'linux', architecture: 'amd64' };
/** Stands for a value that only the runner knows. */
const SOME = 'value';

/** What the compiler says of each Dockerfile: alone, and with the arguments that each of its callers gives. */
export const dockerfiles: Rule = {
  name: 'dockerfile',
  *check({ dockerfiles: files, calls }) {
    for (const dockerfile of files.values()) {
      const { file, parsed, problem } = dockerfile;
      if (problem !== undefined && problem.code !== 'unsupported') yield findingOf(problem, 'error', file);
      if (parsed === undefined) continue;
      yield* remarks(parsed);
      yield* plans(
        dockerfile,
        parsed,
        calls.filter((call) => call.dockerfile === file && !call.partial),
      );
    }
  },
};

function* remarks({ warnings }: ParsedDockerfile): Generator<Finding> {
  for (const { rule, message, place, fix } of warnings)
    yield { severity: 'warning', message: `${rule}: ${message}`, place, hint: fix?.text };
}

function* plans({ file }: DockerfileText, parsed: ParsedDockerfile, calls: readonly DockerCall[]): Generator<Finding> {
  const alone = planProblem(parsed, Object.fromEntries(unset(parsed).map((name) => [name, SOME])));
  if (alone !== undefined) {
    yield findingOf(alone, 'error', file);
    return;
  }
  for (const { buildArgs, place } of calls) {
    const given = [...buildArgs].map(([name, value]) => [
      name,
      value === undefined || value.includes('$') ? SOME : value,
    ]);
    const problem = planProblem(parsed, Object.fromEntries(given));
    if (problem === undefined) continue;
    const finding = findingOf(problem, 'error', file);
    yield { ...finding, hint: `${finding.hint ?? ''}\nIt is built so at ${placeLabel(place)}.`.trim() };
  }
}

/** Global ARGs without a default. */
function unset({ globalArgs }: ParsedDockerfile): string[] {
  return globalArgs.flatMap(({ args }) => args.filter(({ value }) => value === undefined).map(({ name }) => name));
}

function planProblem(parsed: ParsedDockerfile, buildArgs: Record<string, string>): Problem | undefined {
  const inputs: BuildInputs = {
    buildArgs,
    buildPlatform: PLATFORM,
    targetPlatform: PLATFORM,
    targets: parsed.stages.map(({ index }) => String(index)),
  };
  try {
    planStages(parsed, inputs);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.code === 'unsupported' ? undefined : error;
    throw error;
  }
}
