import { posix } from 'node:path';
import type { CopyInstruction } from '../../dockerfile/instructions/instruction.ts';
import type { ParsedDockerfile } from '../../dockerfile/parsed.ts';
import { placeLabel } from '../../lib/problem.ts';
import type { Finding } from '../finding.ts';
import type { DockerCall } from '../project/docker-call.ts';
import type { LintProject } from '../project/project.ts';
import type { Rule } from '../rule.ts';
import { placeOfLine } from './ignored-place.ts';

/** What COPY and ADD take from the context, is there, and is ignored to its last file. */
export const ignoredSource: Rule = {
  name: 'ignored-source',
  *check(project) {
    for (const call of project.calls) {
      const parsed = call.dockerfile === undefined ? undefined : project.dockerfiles.get(call.dockerfile)?.parsed;
      if (parsed === undefined || call.context === undefined) continue;
      for (const { instruction, source } of contextSources(parsed))
        yield* look(project, call, call.context, parsed, instruction, source);
    }
  },
};

/** Sources that mean one path: no variables, no patterns, no URLs, no other stage. */
function* contextSources({ stages }: ParsedDockerfile): Generator<{ instruction: CopyInstruction; source: string }> {
  for (const { instructions } of stages)
    for (const instruction of instructions) {
      if ((instruction.kind !== 'copy' && instruction.kind !== 'add') || instruction.from !== undefined) continue;
      for (const { text } of instruction.sources)
        if (!/[$*?[\\"'<]|:\/\/|^git@/.test(text))
          yield { instruction, source: posix.join('/', text).slice(1).replace(/\/$/, '') };
    }
}

function* look(
  project: LintProject,
  call: DockerCall,
  context: string,
  parsed: ParsedDockerfile,
  instruction: CopyInstruction,
  source: string,
): Generator<Finding> {
  const below = (root: string, file: string) =>
    root === '.' || root === '' || file === root || file.startsWith(`${root}/`);
  const root = posix.join(context, source);
  const files = [...project.files].filter((file) => below(context, file) && below(root, file));
  const [first] = files;
  if (first === undefined || !project.complete) return;
  const copy = `${instruction.kind.toUpperCase()} ${source === '' ? '.' : source} at ${parsed.source.file}:${instruction.node.range.line}`;
  const { gcloudignore } = project;
  if (call.from === 'cloudbuild' && gcloudignore !== undefined) {
    const rules = files.map((file) => gcloudignore.rules.excludes(file));
    const [rule] = rules;
    if (rule !== undefined && rules.every((other) => other !== undefined)) {
      yield {
        severity: 'error',
        message: `${JSON.stringify(rule.text)} keeps all of ${root} out of the upload, and ${copy} needs it`,
        place: placeOfLine(rule.file, gcloudignore.texts.get(rule.file) ?? '', rule.line),
        hint: `Take the line out, or have a step make ${root} before the one at ${placeLabel(call.place)}.`,
      };
      return;
    }
  }
  const ignore =
    project.dockerignores.get(`${call.dockerfile}.dockerignore`) ??
    project.dockerignores.get(posix.join(context, '.dockerignore'));
  const inContext = (file: string) => (context === '.' ? file : posix.relative(context, file));
  if (ignore === undefined || !files.every((file) => ignore.rules.excludes(inContext(file)))) return;
  const rule = ignore.rules.ruleFor(inContext(first));
  if (rule === undefined) return;
  yield {
    severity: 'error',
    message: `${JSON.stringify(rule.text)} keeps all of ${root} out of the build context, and ${copy} needs it`,
    place: placeOfLine(ignore.file, ignore.text, rule.line),
    hint: `Take the line out, or add below it: !${source}`,
  };
}
