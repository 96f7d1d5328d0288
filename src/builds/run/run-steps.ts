import { messageOf, Problem } from '../../lib/problem.ts';
import type { BuildStep, TimeSpan } from '../build.ts';
import { failureOf } from '../queue/cancel.ts';
import { parseDuration } from '../request/duration.ts';
import { type PlannedStep, planOf } from '../request/plan.ts';
import { BuildFailure } from './failure.ts';
import { mayFail } from './may-fail.ts';
import type { BuildRun } from './run-context.ts';
import { type StepProgress, startable } from './schedule.ts';
import { runStep } from './step.ts';
import type { BuildTracker } from './tracker.ts';

/**
 * Runs every step as soon as the steps that it waits for have ended. A step that fails, and isn't allowed to, stops those
 * beside it; they are waited for, so nothing of the build runs on when this returns.
 * @returns digest of each step's image, as results.buildStepImages has them
 * @throws BuildFailure
 */
export async function runSteps(run: BuildRun, tracker: BuildTracker, signal: AbortSignal): Promise<string[]> {
  const plan = planOf(run.build.steps);
  const { local } = run.deps;
  const progress: StepProgress[] = plan.map(({ index }) => (local?.isChosen(index) === false ? 'ended' : 'waiting'));
  const images: string[] = plan.map(() => '');
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const running = new Map<number, Promise<void>>();
  let failure: unknown;
  for (;;) {
    if (!either.aborted)
      for (const index of startable(plan, progress)) {
        const step = plan[index];
        if (step === undefined) continue;
        progress[index] = 'running';
        const work = runOne(run, step, tracker, either)
          .then((image) => {
            images[index] = image;
          })
          .catch((error: unknown) => {
            failure ??= error;
            stop.abort();
          })
          .finally(() => {
            progress[index] = 'ended';
            running.delete(index);
          });
        running.set(index, work);
      }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  const stopped = failureOf(signal);
  if (stopped !== undefined) throw stopped;
  if (failure !== undefined) throw failure;
  return images;
}

/** One step with its log lines, status and times. */
async function runOne(run: BuildRun, planned: PlannedStep, tracker: BuildTracker, outer: AbortSignal): Promise<string> {
  const { index, label } = planned;
  const step = run.build.steps[index] ?? {};
  const ms = step.timeout === undefined ? undefined : parseDuration(step.timeout);
  const timer = ms === undefined ? undefined : AbortSignal.timeout(ms);
  const signal = timer === undefined ? outer : AbortSignal.any([outer, timer]);
  const log = run.log.step(label);
  const startTime = tracker.now();
  tracker.step(index, { status: 'WORKING', timing: { startTime } });
  log.start();
  const end = (change: Partial<BuildStep>) => {
    log.finish();
    tracker.step(index, { ...change, timing: { startTime, endTime: tracker.now() } });
  };
  try {
    const onPull = (pullTiming: TimeSpan) => tracker.step(index, { pullTiming });
    const { exitCode, image } = await runStep(run, index, log, { onPull }, signal);
    if (exitCode === 0) {
      end({ status: 'SUCCESS', exitCode });
      return image;
    }
    end({ status: 'FAILURE', exitCode });
    if (mayFail(step, exitCode)) return image;
    throw new BuildFailure(
      'FAILURE',
      'USER_BUILD_STEP',
      `build step ${index} "${step.name}" failed: step exited with non-zero status: ${exitCode}`,
    );
  } catch (error) {
    if (tracker.steps[index]?.status !== 'WORKING') throw error;
    if (timer?.aborted && !outer.aborted) {
      end({ status: 'TIMEOUT' });
      throw new BuildFailure(
        'TIMEOUT',
        'USER_BUILD_STEP',
        `build step ${index} "${step.name}" did not end within ${step.timeout}: context deadline exceeded`,
      );
    }
    if (outer.aborted) {
      end({ status: 'CANCELLED' });
      throw error;
    }
    const forgiven = error instanceof BuildFailure && mayFail(step, undefined);
    // nothing ends the build here, so this line is the only one that says why the step did nothing
    if (forgiven) log.line(error.message);
    end({ status: 'FAILURE' });
    if (forgiven) return '';
    if (!(error instanceof Problem)) throw error;
    throw new BuildFailure(
      'FAILURE',
      'USER_BUILD_STEP',
      `build step ${index} "${step.name}" failed: ${messageOf(error)}`,
      {
        advice: error.hint,
        cause: error,
      },
    );
  }
}
