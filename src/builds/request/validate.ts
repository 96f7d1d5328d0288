import { parseReference } from '../../images/reference.ts';
import { nearest } from '../../lib/nearest.ts';
import { messageOf } from '../../lib/problem.ts';
import { artifactComplaints } from './artifact-rules.ts';
import { isEventBuiltIn } from './built-ins.ts';
import type { Complaint } from './complaint.ts';
import { goDuration, parseDuration } from './duration.ts';
import { type FieldPath, formatPath } from './field-path.ts';
import { findCircle, stepLabel } from './plan.ts';
import type { BuildRequest, BuildStepRequest } from './request.ts';
import { secretComplaints } from './secret-rules.ts';
import type { Emptied } from './substitute.ts';
import { volumeComplaints } from './volume-rules.ts';

/** Limits of the hosted service's quotas page; the archived local builder had 100 steps and 4000 characters. */
const MAX_STEPS = 300;
const MAX_NAME = 1000;
const MAX_ARGS = 100;
const MAX_ARG = 10_000;
const MAX_ENVS = 100;
const MAX_ENV = 65_536;
const MAX_TAGS = 64;
/** Gigabytes; API reference, BuildOptions.diskSizeGb. */
const MAX_DISK = 4000;
const DAY = 24 * 3600 * 1000;
const TAG = /^[\w][\w.-]{0,127}$/;

/**
 * Checks what a substituted build means, by the API's rules and in its words.
 * @param emptied what substitution left without a value, to explain values that this broke
 */
export function* buildComplaints(request: BuildRequest, emptied: Emptied = new Map()): Generator<Complaint> {
  for (const complaint of complaintsOf(request)) {
    const names = emptiedBelow(emptied, formatPath(complaint.path));
    yield names.length === 0 ? complaint : { ...complaint, emptied: names, hint: complaint.hint ?? emptyHint(names) };
  }
}

/** What the value at a path, or a part of it, lost. */
function emptiedBelow(emptied: Emptied, path: string): string[] {
  const below = [...emptied].filter(([at]) => at === path || at.startsWith(`${path}.`) || at.startsWith(`${path}[`));
  return [...new Set(below.flatMap(([, names]) => names))];
}

function emptyHint(names: readonly string[]): string {
  const events = names.filter(isEventBuiltIn);
  const [first = ''] = names;
  const verb = names.length === 1 ? 'is' : 'are';
  const why = events.length === names.length ? ' in a build that no trigger started' : '';
  return `${names.map((name) => `$${name}`).join(', ')} ${verb} empty${why}; pass --substitutions=${first}=...`;
}

function* complaintsOf(request: BuildRequest): Generator<Complaint> {
  const steps = request.steps ?? [];
  if (steps.length === 0) yield { path: ['steps'], message: 'no build steps are specified' };
  if (steps.length > MAX_STEPS) {
    // and nothing of each of them: there may be a hundred thousand
    yield { path: ['steps'], message: `cannot specify more than ${MAX_STEPS} build steps` };
    return;
  }
  yield* timeoutComplaints(request);
  for (const [index, step] of steps.entries()) yield* stepComplaints(step, index, request);
  yield* orderComplaints(steps);
  yield* volumeComplaints(request);
  yield* secretComplaints(request);
  yield* imageComplaints(request);
  yield* artifactComplaints(request);
  yield* diskComplaints(request);
  const tags = request.tags ?? [];
  if (tags.length > MAX_TAGS)
    yield { path: ['tags'], message: `number of tags ${tags.length} exceeded (max: ${MAX_TAGS})` };
  // an empty one is what a substitution without a value leaves, and is left out
  for (const [i, tag] of tags.entries())
    if (tag !== '' && !TAG.test(tag))
      yield {
        path: ['tags', i],
        message: `invalid build tag ${JSON.stringify(tag)}: must match format "${TAG.source}"`,
      };
  for (const [i, env] of (request.options?.env ?? []).entries())
    if (!env.includes('='))
      yield {
        path: ['options', 'env', i],
        message: `invalid .options.env field: the Env entry ${JSON.stringify(env)} must be of the form "KEY=VALUE"`,
      };
}

function* timeoutComplaints(request: BuildRequest): Generator<Complaint> {
  for (const field of ['timeout', 'queueTtl'] as const) {
    const text = request[field];
    if (text === undefined) continue;
    const ms = parseDuration(text);
    if (ms === undefined) yield durationComplaint([field], text);
    else if (ms > DAY) yield { path: [field], message: `${field} exceeds the timeout limit of 24h0m0s` };
  }
}

function durationComplaint(path: FieldPath, text: string): Complaint {
  const minutes = /^(\d+)\s*m(in)?$/.exec(text);
  const hours = /^(\d+)\s*h$/.exec(text);
  const seconds =
    minutes !== null
      ? Number(minutes[1]) * 60
      : hours !== null
        ? Number(hours[1]) * 3600
        : /^\d+$/.test(text)
          ? Number(text)
          : 600;
  return {
    path,
    message: `${path.at(-1)} ${JSON.stringify(text)}: illegal duration format; duration must end with 's'`,
    hint: text.includes('$')
      ? `Substitutions are not expanded in ${path.at(-1)}: write the seconds, 600s.`
      : `Write ${seconds}s.`,
  };
}

function* stepComplaints(step: BuildStepRequest, index: number, request: BuildRequest): Generator<Complaint> {
  const path = ['steps', index] as const;
  const args = step.args ?? [];
  if (step.name === undefined || step.name === '') yield { path, message: `build step ${index} must specify name` };
  else if (step.name.length > MAX_NAME)
    yield { path: [...path, 'name'], message: `build step ${index} name too long (max: ${MAX_NAME})` };
  else if (!isReference(step.name))
    yield {
      path: [...path, 'name'],
      message: `invalid build step name ${JSON.stringify(step.name)}`,
      hint: unexpandedHint(request, step.name),
    };
  if (args.length > MAX_ARGS)
    yield { path: [...path, 'args'], message: `build step ${index} too many args (max: ${MAX_ARGS})` };
  for (const [i, arg] of args.entries())
    if (arg.length > MAX_ARG)
      yield { path: [...path, 'args', i], message: `build step ${index} arg ${i} too long (max: ${MAX_ARG})` };
  const envs = step.env ?? [];
  if (envs.length > MAX_ENVS)
    yield { path: [...path, 'env'], message: `build step ${index} too many envs (max: ${MAX_ENVS})` };
  for (const [i, env] of envs.entries()) {
    if (env.length > MAX_ENV)
      yield { path: [...path, 'env', i], message: `build step ${index} env ${i} too long (max: ${MAX_ENV})` };
    if (!env.includes('='))
      yield {
        path: [...path, 'env', i],
        message: `build step #${index} - ${JSON.stringify(step.id ?? '')}: the Env entry ${JSON.stringify(env)} must be of the form "KEY=VALUE"`,
      };
  }
  if ((step.dir ?? '').length > MAX_NAME)
    yield { path: [...path, 'dir'], message: `build step ${index} dir too long (max: ${MAX_NAME})` };
  if (step.script !== undefined && (args.length > 0 || step.entrypoint !== undefined))
    yield {
      path: [...path, 'script'],
      message: `build step ${index} cannot specify script together with args or entrypoint`,
      hint: 'Put the whole command line into the script.',
    };
  yield* stepTimeoutComplaints(step, index);
}

/** One that is longer than the build's is let be, as on the hosted service: the build ends it. */
function* stepTimeoutComplaints(step: BuildStepRequest, index: number): Generator<Complaint> {
  if (step.timeout === undefined) return;
  const path = ['steps', index, 'timeout'];
  const ms = parseDuration(step.timeout);
  const which = `invalid .timeout in build step #${index}: build step timeout`;
  if (ms === undefined) yield durationComplaint(path, step.timeout);
  else if (ms <= 0) yield { path, message: `${which} must be >0` };
  else if (ms > DAY) yield { path, message: `${which} ${goDuration(ms)} exceeds the timeout limit of 24h0m0s` };
}

/** Ids are unique, and a step waits only for steps above it; so every order that passes here has no circle. */
function* orderComplaints(steps: readonly BuildStepRequest[]): Generator<Complaint> {
  const circle = findCircle(steps);
  const all = steps.map((step) => step.id).filter((id) => id !== undefined);
  const earlier = new Set<string>();
  for (const [index, step] of steps.entries()) {
    const name = stepLabel(index, step.id).replace('Step', 'build step');
    for (const [i, id] of (step.waitFor ?? []).entries()) {
      if (id === '-' || earlier.has(id)) continue;
      const meant = nearest(id, all);
      yield {
        path: ['steps', index, 'waitFor', i],
        message: `${name} depends on ${JSON.stringify(id)}, which has not been defined`,
        hint: circle?.includes(id)
          ? `These steps wait for each other in a circle: ${circle.join(' -> ')}.`
          : all.includes(id)
            ? `${JSON.stringify(id)} stands further down; a step can only wait for steps above it.`
            : meant === undefined
              ? undefined
              : `Did you mean ${JSON.stringify(meant)}?`,
      };
    }
    if (step.id === '-') yield { path: ['steps', index, 'id'], message: `${name}: the ID cannot be "-"` };
    else if (step.id !== undefined && earlier.has(step.id))
      yield { path: ['steps', index, 'id'], message: `${name}: the ID is not unique` };
    if (step.id !== undefined && step.id !== '') earlier.add(step.id);
  }
}

function* imageComplaints(request: BuildRequest): Generator<Complaint> {
  const listed = request.artifacts?.images;
  if (listed !== undefined && request.images !== undefined && !sameNames(listed, request.images))
    yield { path: ['artifacts', 'images'], message: 'cannot specify different .images and .artifacts.images' };
  for (const [i, image] of (request.images ?? listed ?? []).entries()) {
    const complaint = referenceComplaint(image);
    if (complaint === undefined) continue;
    yield {
      path: request.images === undefined ? ['artifacts', 'images', i] : ['images', i],
      message: `invalid image name ${JSON.stringify(image)}: ${complaint}`,
      hint: unexpandedHint(request, image),
    };
  }
}

/** A value of substitutions that names others stays as it is written, unless it may. */
function unexpandedHint({ options }: BuildRequest, text: string): string | undefined {
  if (options?.dynamicSubstitutions || !/\$(?:\{|[A-Z_])/.test(text)) return undefined;
  return 'Values of substitutions that name others are expanded with options: {dynamicSubstitutions: true}, and in triggers.';
}

/** In any order. */
function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join('\n') === b.toSorted().join('\n');
}

function* diskComplaints({ options }: BuildRequest): Generator<Complaint> {
  for (const [size, path] of [
    [options?.diskSizeGb, ['options', 'diskSizeGb']],
    [options?.pool?.workerConfig?.diskSizeGb, ['options', 'pool', 'workerConfig', 'diskSizeGb']],
  ] as const)
    if (size !== undefined && (Number(size) < 0 || Number(size) > MAX_DISK))
      yield { path, message: `disk size ${size} GB is out of range (0 to ${MAX_DISK})` };
}

function referenceComplaint(name: string): string | undefined {
  try {
    parseReference(name);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isReference(name: string): boolean {
  return referenceComplaint(name) === undefined;
}
