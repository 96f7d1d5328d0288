import { messageOf, Problem } from '../lib/problem.ts';
import { Complaint } from './complaint.ts';
import type { Expansion, Reference } from './expand.ts';
import type { GlobalScope } from './global-scope.ts';
import { type Node, rangeWithin, type Word } from './lex/nodes.ts';
import type { ParsedDockerfile } from './parsed.ts';
import type { BuildInputs } from './program.ts';

export interface FromFacts {
  parsed: ParsedDockerfile;
  inputs: BuildInputs;
  globals: GlobalScope;
  node: Node;
  word: Word;
  expansion: Expansion;
}

/** Why a FROM names no image, which of its variables are to blame, and what to write instead. */
export function fromProblem(facts: FromFacts, cause: unknown): Complaint {
  const { node, word, expansion } = facts;
  const { text, references } = expansion;
  const reason = messageOf(cause);
  const missing = references.filter((reference) => !reference.defined && !reference.guarded);
  if (missing.length === 0) {
    const said = cause instanceof Problem ? cause.hint : undefined;
    const lower = text.toLowerCase();
    const message =
      references.length === 0
        ? `failed to parse stage name ${JSON.stringify(text)}: ${reason}`
        : `FROM is ${JSON.stringify(text)} after substitution: ${reason}`;
    return new Complaint(message, {
      ranges: [word.range],
      hint: reason.includes('lowercase') ? `Names of images are lower case: ${lower}` : said,
    });
  }
  return new Complaint(
    text === ''
      ? `FROM is empty after substitution: base name (${word.text}) should not be blank`
      : `FROM is ${JSON.stringify(text)} after substitution: ${reason}`,
    {
      ranges: missing.map((reference) => rangeWithin(node, word, reference.start, reference.end)),
      hint: hintFor(facts, missing),
    },
  );
}

function hintFor(facts: FromFacts, missing: readonly Reference[]): string {
  const byName = [...new Map(missing.map((reference) => [reference.name, reference])).values()];
  const undeclared = byName.filter((reference) => !facts.globals.has(reference.name));
  const unset = byName.filter((reference) => facts.globals.has(reference.name));
  const lines: string[] = [];
  if (undeclared.length > 0) lines.push(...declare(facts, undeclared));
  for (const { name } of unset)
    lines.push(
      `ARG ${name} is declared without a default, and no --build-arg ${name} is given:`,
      `pass --build-arg ${name}=VALUE, or write a default: ARG ${name}=VALUE`,
    );
  return lines.join('\n');
}

function declare(facts: FromFacts, undeclared: readonly Reference[]): string[] {
  const { parsed, inputs, word, node } = facts;
  const names = undeclared.map((reference) => reference.name);
  const them = names.length === 1 ? 'it' : names.length === 2 ? 'both' : 'all of them';
  const lines = [
    "A Dockerfile doesn't see the variables of the CI job or of the shell.",
    `Declare ${them} before the first FROM, with ${names.length === 1 ? 'a default that works' : 'defaults that work'} outside CI:`,
    ...undeclared.map((reference) => `    ARG ${reference.name}=${example(word.text, reference)}`),
    `    ${node.text}`,
  ];
  for (const name of names) {
    const elsewhere = stageArg(parsed, name);
    if (elsewhere !== undefined)
      lines.push(`ARG ${name} on line ${elsewhere} belongs to its stage; FROM sees only ARGs above the first FROM.`);
  }
  const given = names.filter((name) => Object.hasOwn(inputs.buildArgs, name));
  const absent = names.filter((name) => !given.includes(name));
  const already = `you already pass ${given.join(' and ')}`;
  const add = absent.map((name) => `--build-arg ${name}=VALUE`).join(' ');
  if (absent.length === 0) lines.push(`${already.replace('you', 'You')}, but without the ARG it goes nowhere.`);
  else lines.push(given.length > 0 ? `and pass ${them}: ${already}; add ${add}` : `and pass ${them}: ${add}`);
  return lines;
}

/** A value of the right kind for the place where the variable stands: a tag behind a colon, else a name. */
function example(text: string, reference: Reference): string {
  const before = text.slice(0, reference.start);
  if (before.includes(':', before.lastIndexOf('/') + 1)) return 'latest';
  return before === '' && /^(?:$|[:@])/.test(text.slice(reference.end)) ? 'registry.example.com/group/project' : 'name';
}

function stageArg(parsed: ParsedDockerfile, name: string): number | undefined {
  for (const { instructions } of parsed.stages)
    for (const instruction of instructions)
      if (instruction.kind === 'arg' && instruction.args.some((arg) => arg.name === name))
        return instruction.node.range.line;
  return undefined;
}
