import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount, ContainerSpec } from '../../containers/container.ts';
import type { Caller, MountableRootfs } from '../../engine/engine.ts';
import type { RunConfig } from '../../images/config.ts';
import { Problem } from '../../lib/problem.ts';
import type { BuildStep } from '../build.ts';
import type { ChosenBuilder } from '../builders/choose-builder.ts';
import { provideStepImage } from '../builders/step-image.ts';
import { openMachineGit } from '../git/machine-git.ts';
import type { StepLog } from './build-log.ts';
import { BuildFailure } from './failure.ts';
import { mayFail } from './may-fail.ts';
import type { BuildRun } from './run-context.ts';
import type { StepHooks, StepOutcome } from './step.ts';
import { namesOfStep } from './step-names.ts';
import { HOME, surroundingsOf, variables } from './step-surroundings.ts';
import { trustMounts } from './trust-mounts.ts';

const OUTPUTS = '/builder/outputs';
const SCRIPT = '/builder/script';

/**
 * Runs a step as a container from the image of its name.
 * @throws BuildFailure when it could not be begun, Problem `cancelled`
 */
export async function runInContainer(
  run: BuildRun,
  step: BuildStep,
  index: number,
  chosen: ChosenBuilder,
  caller: Caller,
  log: StepLog,
  hooks: StepHooks,
): Promise<StepOutcome> {
  const { name, rootfs } = await openRootfs(run, step, index, chosen, caller, log, hooks);
  try {
    const spec = await containerOf(run, step, index, rootfs);
    const { signal } = caller;
    const exit = await run.deps.containers.run(spec, {
      onStdout: (chunk) => log.stdout(chunk),
      onStderr: (chunk) => log.stderr(chunk),
      signal,
    });
    if (exit.outOfMemory) log.line('The step was ended because it ran out of memory.');
    if (exit.code !== 0 && !mayFail(step, exit.code))
      await run.deps.local?.failed?.({ index, exitCode: exit.code, spec }, run.caller.signal);
    return { exitCode: exit.code, image: rootfs.digest };
  } catch (error) {
    if (error instanceof Problem && error.code !== 'cancelled') throw startFailure(index, name, error);
    throw error;
  } finally {
    await rootfs.release();
  }
}

interface StepRootfs extends Omit<MountableRootfs, 'digest'> {
  /** Empty when it is no image. */
  digest: string;
  /** What it has besides its own files. */
  mounts?: ContainerMount[];
}

async function openRootfs(
  run: BuildRun,
  step: BuildStep,
  index: number,
  { image, beyond, git }: ChosenBuilder,
  caller: Caller,
  log: StepLog,
  hooks: StepHooks,
): Promise<{ name: string; rootfs: StepRootfs }> {
  const { builderProjects, ownNames, clock } = run.deps;
  const own = git && (await openMachineGit(await run.workspace.scratch(index), git.entrypoint));
  if (own !== undefined) {
    log.line(`Already have image (with digest): ${step.name}`);
    return { name: image, rootfs: own };
  }
  const projects = [...new Set([caller.project, ...builderProjects()])];
  const name = await provideStepImage(
    { index, asked: step.name ?? '', image, beyond, projects },
    { engine: run.engine, caller, ownNames, clock, say: (line) => log.line(line), onPull: hooks.onPull },
  );
  return { name, rootfs: await run.engine.rootfs(name, caller) };
}

/** As the hosted service's `docker run` of a step (reference: runtime of a step), without its privileges. */
async function containerOf(run: BuildRun, step: BuildStep, index: number, rootfs: StepRootfs): Promise<ContainerSpec> {
  const { env, secrets, cwd, folders } = await surroundingsOf(run, step);
  const scratch = await run.workspace.scratch(index);
  const binds = new Map([...folders, [OUTPUTS, await run.workspace.outputs(index)]]);
  const socket = await run.dockerSocket();
  if (socket !== undefined) binds.set('/var/run/docker.sock', socket);
  const mounts: ContainerMount[] = [...binds].map(([target, source]) => ({
    kind: 'bind',
    source,
    target,
    readonly: false,
  }));
  mounts.push(...(rootfs.mounts ?? []));
  if (step.script !== undefined) {
    const path = join(scratch, 'script');
    await writeFile(path, step.script);
    await chmod(path, 0o755);
    mounts.push({ kind: 'bind', source: path, target: SCRIPT, readonly: true });
  }
  const served = await run.served();
  if (served?.authority !== undefined) mounts.push(...(await trustMounts(served.authority, scratch)));
  const upper = join(scratch, 'upper');
  await mkdir(upper);
  const config = rootfs.config.config ?? {};
  return {
    id: `${run.build.id}-${index}`,
    rootfs: { lowers: rootfs.lowers, upper },
    args: commandLine(step, config),
    env: containerEnv(config.Env ?? [], served?.env ?? {}, env),
    ...(secrets.size === 0 ? {} : { secretEnv: [...secrets].map(([key, value]) => `${key}=${value}`) }),
    cwd,
    user: config.User ?? '',
    hostname: `step-${index}`,
    mounts,
    network: { kind: 'bridge', bridge: await run.network(), names: namesOfStep(index, step.id) },
  };
}

function startFailure(index: number, name: string, problem: Problem): BuildFailure {
  return new BuildFailure(
    'FAILURE',
    'USER_BUILD_STEP',
    `build step ${index} "${name}" failed: starting step container failed: ${problem.message}`,
    { advice: problem.hint, cause: problem },
  );
}

/** As docker: an entrypoint of the step drops the image's CMD, arguments replace it. */
function commandLine(step: BuildStep, config: RunConfig): string[] {
  const args = step.args ?? [];
  if (step.script !== undefined) return step.script.startsWith('#!') ? [SCRIPT] : ['/bin/sh', SCRIPT];
  const line =
    step.entrypoint !== undefined && step.entrypoint !== ''
      ? [step.entrypoint, ...args]
      : [...(config.Entrypoint ?? []), ...(args.length > 0 ? args : (config.Cmd ?? []))];
  if (line.length === 0)
    throw new Problem('invalid', 'no command specified', {
      hint: 'The image has neither ENTRYPOINT nor CMD: give the step args, an entrypoint or a script.',
    });
  return line;
}

/** What answers for us, the image's environment, ours, then the step's, sorted by name as the hosted service passes it. */
function containerEnv(
  image: readonly string[],
  served: Readonly<Record<string, string>>,
  own: Record<string, string>,
): string[] {
  const env = variables([...image, `HOME=${HOME}`, `BUILDER_OUTPUT=${OUTPUTS}`]);
  return Object.entries({ ...served, ...env, ...own })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
}
