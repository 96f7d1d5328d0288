import type { ParsedDockerfile } from '../../dockerfile/parsed.ts';
import { nearest } from '../../lib/nearest.ts';
import { placeLabel } from '../../lib/problem.ts';
import type { Finding } from '../finding.ts';
import type { DockerCall } from '../project/docker-call.ts';
import type { Rule } from '../rule.ts';

/** Arguments that every Dockerfile takes without an ARG (Dockerfile reference). */
const PREDEFINED =
  /^(?:https?_proxy|ftp_proxy|no_proxy|all_proxy|BUILDKIT_.*|SOURCE_DATE_EPOCH|TARGET.*|BUILD(?:PLATFORM|OS|ARCH|VARIANT))$/i;

/** Variables of the job that a Dockerfile means and doesn't get, and arguments that it doesn't take. */
export const buildArgs: Rule = {
  name: 'build-args',
  *check({ calls, dockerfiles }) {
    for (const call of calls) {
      const parsed = call.dockerfile === undefined ? undefined : dockerfiles.get(call.dockerfile)?.parsed;
      if (parsed === undefined) continue;
      yield* unknownArgs(call, parsed);
      if (call.from === 'ci' && !call.partial) yield* forgotten(call, parsed);
    }
  },
};

function* unknownArgs({ buildArgs: given, place }: DockerCall, parsed: ParsedDockerfile): Generator<Finding> {
  const declared = new Set(declarations(parsed).map(({ name }) => name));
  for (const name of given.keys()) {
    if (declared.has(name) || PREDEFINED.test(name) || /[$`]/.test(name)) continue;
    const meant = nearest(name, declared);
    yield {
      severity: 'warning',
      message: `--build-arg ${name} goes nowhere: ${parsed.source.file} has no ARG ${name}`,
      place,
      hint: meant === undefined ? `Declare it where it is used: ARG ${name}` : `Did you mean ${meant}?`,
    };
  }
}

/** A variable that GitLab sets by itself, declared with a default that then holds although the job has a value. */
function* forgotten({ buildArgs: given, place }: DockerCall, parsed: ParsedDockerfile): Generator<Finding> {
  for (const { name, hasDefault, line } of declarations(parsed)) {
    if (!/^CI_[A-Z_]+$/.test(name) || given.has(name) || !hasDefault) continue;
    yield {
      severity: 'warning',
      message: `ARG ${name} keeps its default: a Dockerfile doesn't see the variables of the job`,
      place: {
        file: parsed.source.file,
        text: parsed.source.text,
        ranges: [{ line, column: 1, endLine: line, endColumn: 4 }],
      },
      hint: `Pass it at ${placeLabel(place)}: --build-arg ${name}=$${name}`,
    };
  }
}

function declarations({ globalArgs, stages }: ParsedDockerfile) {
  return [...globalArgs, ...stages.flatMap(({ instructions }) => instructions)].flatMap((instruction) =>
    instruction.kind === 'arg'
      ? instruction.args.map(({ name, value }) => ({
          name,
          hasDefault: value !== undefined,
          line: instruction.node.range.line,
        }))
      : [],
  );
}
