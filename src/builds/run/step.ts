import type { Caller } from '../../engine/engine.ts';
import type { TimeSpan } from '../build.ts';
import { chooseBuilder } from '../builders/choose-builder.ts';
import type { StepLog } from './build-log.ts';
import type { BuildRun } from './run-context.ts';
import { runInContainer } from './step-container.ts';
import { StepFiles } from './step-files.ts';
import { surroundingsOf } from './step-surroundings.ts';

/** What came of a step that ran to its end. */
export interface StepOutcome {
  exitCode: number;
  /** Digest of the image that it ran in; empty for a native builder. */
  image: string;
}

export interface StepHooks {
  /** Told when the pull of the step's image begins, and again when it has ended. */
  onPull(span: TimeSpan): void;
}

/**
 * Runs one step to its end, whatever its exit code.
 * @throws BuildFailure when it could not be begun (no such image, no such program), Problem `cancelled`
 */
export async function runStep(
  run: BuildRun,
  index: number,
  log: StepLog,
  hooks: StepHooks,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const step = run.build.steps[index];
  if (step === undefined) throw new Error(`build has no step ${index}`);
  const caller: Caller = { ...run.caller, signal };
  const chosen = chooseBuilder(step, run.deps.imageAliases);
  const { native } = chosen;
  if (native === undefined) return runInContainer(run, step, index, chosen, caller, log, hooks);
  log.line(`Already have image (with digest): ${step.name}`);
  const { env, secrets, cwd, folders } = await surroundingsOf(run, step);
  const exitCode = await native.builder(native.args, {
    cwd,
    env: { ...env, ...Object.fromEntries(secrets) },
    files: new StepFiles(folders),
    scratch: () => run.workspace.scratch(index),
    output: log,
    engine: run.engine,
    caller,
    buckets: run.buckets,
    network: { kind: 'bridge', bridge: run.network },
    allowHostNetwork: run.deps.allowHostNetwork,
    ownNames: run.deps.ownNames,
    verifyLogin: run.deps.verifyLogin,
  });
  return { exitCode, image: '' };
}
