import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount } from '../../containers/container.ts';
import type { Caller, Engine } from '../../engine/engine.ts';
import type { RunConfig } from '../../images/config.ts';
import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { BuildStep } from '../build.ts';
import { nativeBuilder } from '../builders/native.ts';
import { reportPull } from '../docker/pull.ts';
import type { StepLog } from './build-log.ts';
import { BuildFailure } from './failure.ts';
import type { BuildRun } from './run-context.ts';
import { StepFiles } from './step-files.ts';

/** What came of a step that ran to its end. */
export interface StepOutcome {
  exitCode: number;
  /** Digest of the image that it ran in; empty for a native builder. */
  image: string;
}

const HOME = '/builder/home';
const OUTPUTS = '/builder/outputs';
const SCRIPT = '/builder/script';

/**
 * Runs one step to its end, whatever its exit code.
 * @throws BuildFailure when it could not be begun (no such image, no such program), Problem `cancelled`
 */
export async function runStep(run: BuildRun, index: number, log: StepLog, signal: AbortSignal): Promise<StepOutcome> {
  const step = run.build.steps[index];
  if (step === undefined) throw new Error(`build has no step ${index}`);
  const env = stepEnv(run.build.options.env ?? [], step.env ?? []);
  const caller: Caller = { ...run.caller, signal };
  const native = nativeBuilder(step);
  if (native === undefined) return runInContainer(run, step, index, env, caller, log);
  log.line(`Already have image (with digest): ${step.name}`);
  const exitCode = await native.builder(native.args, {
    cwd: workingFolder(step),
    env,
    files: new StepFiles(await fileRoots(run, step)),
    output: log,
    engine: run.engine,
    caller,
    buckets: run.buckets,
    network: { kind: 'bridge', bridge: run.network },
    allowHostNetwork: run.deps.allowHostNetwork,
    ownNames: run.deps.ownNames,
  });
  return { exitCode, image: '' };
}

/** The step's own environment beats that of the options. */
function stepEnv(shared: readonly string[], own: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const pair of [...shared, ...own]) {
    const equals = pair.indexOf('=');
    env[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return env;
}

function workingFolder(step: BuildStep): string {
  const dir = step.dir ?? '';
  return dir.startsWith('/') ? dir : join('/workspace', dir).replace(/\/$/, '');
}

/** Path in the step -> folder on this machine. */
async function fileRoots(run: BuildRun, step: BuildStep): Promise<Map<string, string>> {
  const roots = new Map([
    ['/workspace', run.workspace.workspace],
    [HOME, run.workspace.home],
  ]);
  for (const { name, path } of [...(run.build.options.volumes ?? []), ...(step.volumes ?? [])])
    roots.set(path.replace(/\/+$/, ''), await run.workspace.volume(name));
  return roots;
}

async function runInContainer(
  run: BuildRun,
  step: BuildStep,
  index: number,
  env: Record<string, string>,
  caller: Caller,
  log: StepLog,
): Promise<StepOutcome> {
  const { imageAliases } = run.deps;
  const asked = step.name ?? '';
  const name = Object.hasOwn(imageAliases, asked) ? (imageAliases[asked] ?? asked) : asked;
  await provideImage(run.engine, name, index, caller, log);
  const rootfs = await run.engine.rootfs(name, caller);
  try {
    const scratch = await run.workspace.scratch(index);
    const binds = new Map([...(await fileRoots(run, step)), [OUTPUTS, await run.workspace.outputs(index)]]);
    const socket = await run.dockerSocket();
    if (socket !== undefined) binds.set('/var/run/docker.sock', socket);
    const mounts: ContainerMount[] = [...binds].map(([target, source]) => ({
      kind: 'bind',
      source,
      target,
      readonly: false,
    }));
    if (step.script !== undefined) {
      const path = join(scratch, 'script');
      await writeFile(path, step.script);
      await chmod(path, 0o755);
      mounts.push({ kind: 'bind', source: path, target: SCRIPT, readonly: true });
    }
    const upper = join(scratch, 'upper');
    await mkdir(upper);
    const config = rootfs.config.config ?? {};
    const exit = await run.deps.containers.run(
      {
        id: `${run.build.id}-${index}`,
        rootfs: { lowers: rootfs.lowers, upper },
        args: commandLine(step, config),
        env: containerEnv(config.Env ?? [], env),
        cwd: workingFolder(step),
        user: config.User ?? '',
        hostname: `step-${index}`,
        mounts,
        network: { kind: 'bridge', bridge: await run.network() },
      },
      { onStdout: (chunk) => log.stdout(chunk), onStderr: (chunk) => log.stderr(chunk), signal: caller.signal },
    );
    if (exit.outOfMemory) log.line('The step was ended because it ran out of memory.');
    return { exitCode: exit.code, image: rootfs.digest };
  } catch (error) {
    if (error instanceof Problem && error.code !== 'cancelled') throw startFailure(index, name, error);
    throw error;
  } finally {
    await rootfs.release();
  }
}

/** Says where the step's image comes from, as the hosted service does, and pulls it if this build doesn't have it. */
async function provideImage(engine: Engine, name: string, index: number, caller: Caller, log: StepLog): Promise<void> {
  const known = await engine.inspect(name, caller).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Problem && error.code === 'not-found') return false;
      throw error;
    },
  );
  if (known) return log.line(`Already have image: ${name}`);
  log.line(`Pulling image: ${name}`);
  try {
    reportPull(withDefaultTag(parseReference(name)), await engine.pull(name, caller), (line) => log.line(line));
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    throw new BuildFailure(
      'FAILURE',
      'USER_BUILD_STEP',
      `build step ${index} "${name}" failed: error pulling build step ${index} "${name}": ${error.message}`,
      {
        advice:
          error.hint ?? `Check the name: ${familiarName(parseReference(name))} must exist and be readable from here.`,
        cause: error,
      },
    );
  }
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

/** The image's environment, ours, then the step's, sorted by name as the hosted service passes it. */
function containerEnv(image: readonly string[], own: Record<string, string>): string[] {
  const env = stepEnv(image, [`HOME=${HOME}`, `BUILDER_OUTPUT=${OUTPUTS}`]);
  return Object.entries({ ...env, ...own })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
}
