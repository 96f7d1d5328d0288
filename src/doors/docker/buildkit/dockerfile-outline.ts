import type { ArgInstruction, MountFlag } from '../../../dockerfile/instructions/instruction.ts';
import type { Node } from '../../../dockerfile/lex/nodes.ts';
import type { ParsedDockerfile, ParsedStage } from '../../../dockerfile/parsed.ts';
import { Problem, type Range } from '../../../lib/problem.ts';

/** Ranges of the only source. */
interface Location {
  ranges: { start: { line: number }; end: { line: number } }[];
}

/** What `--call targets` shows. The names of the fields are BuildKit's, as in the next one. */
export interface Targets {
  targets: { name?: string; default?: true; description?: string; base: string; location: Location }[];
  /** In Base64. */
  sources: string[];
}

/** What `--call outline` shows of one target. */
export interface Outline {
  name?: string;
  description?: string;
  args: { name: string; description?: string; value?: string; location: Location }[];
  secrets: { name: string; required?: true; location: Location }[];
  ssh: { name: string; required?: true; location: Location }[];
  cache: { id: string; location: Location }[];
  sources: string[];
}

export function targetsOf({ stages, source }: ParsedDockerfile): Targets {
  return {
    targets: stages.map((stage, i) => ({
      ...given('name', stage.from.name),
      ...(i === stages.length - 1 ? { default: true as const } : {}),
      ...given('description', description(stage.from.node, stage.from.name)),
      base: stage.from.image.text,
      location: locationOf(stage.from.node.range),
    })),
    sources: [Buffer.from(source.text).toString('base64')],
  };
}

/** @param target name or number of a stage; absent: the last. @throws Problem `invalid` */
export function outlineOf(parsed: ParsedDockerfile, target: string | undefined): Outline {
  const { stages, globalArgs, source } = parsed;
  const stage = target === undefined ? stages.at(-1) : find(stages, target);
  if (stage === undefined) throw new Problem('invalid', `target stage ${JSON.stringify(target)} could not be found`);
  const needed = ancestors(stages, stage);
  const mounts = needed.flatMap(({ instructions }) =>
    instructions.flatMap((instruction) =>
      instruction.kind === 'run'
        ? instruction.mounts.map((mount) => ({ mount, location: locationOf(instruction.node.range) }))
        : [],
    ),
  );
  const asked = (type: string) =>
    mounts
      .filter(({ mount }) => optionOf(mount, 'type') === type)
      .map(({ mount, location }) => ({
        name: optionOf(mount, 'id') ?? optionOf(mount, 'target') ?? (type === 'ssh' ? 'default' : ''),
        ...(['true', '1', ''].includes(optionOf(mount, 'required') ?? 'false') ? { required: true as const } : {}),
        location,
      }));
  return {
    ...given('name', stage.from.name),
    ...given('description', description(stage.from.node, stage.from.name)),
    args: [...globalArgs, ...needed.flatMap(({ instructions }) => instructions.filter(isArg))].flatMap(argsOf),
    secrets: asked('secret'),
    ssh: asked('ssh'),
    cache: asked('cache').map(({ name, location }) => ({ id: name, location })),
    sources: [Buffer.from(source.text).toString('base64')],
  };
}

function find(stages: readonly ParsedStage[], target: string): ParsedStage | undefined {
  return stages.findLast(({ from, index }) => from.name === target.toLowerCase() || String(index) === target);
}

/** A stage, and those that it is FROM. */
function ancestors(stages: readonly ParsedStage[], stage: ParsedStage): ParsedStage[] {
  const above = stages.slice(0, stage.index).findLast(({ from }) => from.name === stage.from.image.text.toLowerCase());
  return above === undefined ? [stage] : [...ancestors(stages, above), stage];
}

function isArg(instruction: { kind: string }): instruction is ArgInstruction {
  return instruction.kind === 'arg';
}

function argsOf({ args, node }: ArgInstruction): Outline['args'] {
  return args.map(({ name, value }) => ({
    name,
    ...given('description', description(node, name)),
    ...given('value', value?.text),
    location: locationOf(node.range),
  }));
}

/** Of the comment right above: `# NAME what it is`. */
function description({ comments }: Node, name: string | undefined): string | undefined {
  const text = comments.at(-1)?.text ?? '';
  return name !== undefined && text.startsWith(`${name} `) ? text.slice(name.length + 1) : undefined;
}

function optionOf({ options }: MountFlag, key: string): string | undefined {
  return options.findLast(([name]) => name === key)?.[1];
}

function locationOf({ line, endLine }: Range): Location {
  return { ranges: [{ start: { line }, end: { line: endLine } }] };
}

function given<K extends string>(key: K, value: string | undefined): { [key in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: string });
}
