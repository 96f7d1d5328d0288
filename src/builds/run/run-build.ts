import { log as serverLog } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { Build, BuildResults, BuildWarning } from '../build.ts';
import { buildSignal, failureOf } from '../queue/cancel.ts';
import { parseDuration } from '../request/duration.ts';
import { imagesOfSteps, pushImages } from '../results/push-images.ts';
import { readStepOutputs } from '../results/step-outputs.ts';
import { requireArtifactBucket, uploadObjects } from '../results/upload-objects.ts';
import { fetchSource } from '../sources/fetch-source.ts';
import type { BuildDeps } from './build-deps.ts';
import { BuildLog } from './build-log.ts';
import { BuildFailure } from './failure.ts';
import { logWriter } from './log-writer.ts';
import { publishLog } from './publish-log.ts';
import { type BuildRun, openRun } from './run-context.ts';
import { runSteps } from './run-steps.ts';
import { BuildTracker } from './tracker.ts';

/**
 * Runs a queued build: fetch source -> run steps -> push images -> record results. Whatever happens, its log is closed,
 * then its final status published, and nothing of it is left on this machine.
 * @param outer stops the build; its reason is a StopReason (cancel.ts), the user's when absent
 * @returns the build as it ended; undefined when it was no longer queued
 */
export async function runBuild(queued: Build, deps: BuildDeps, outer: AbortSignal): Promise<Build | undefined> {
  const tracker = new BuildTracker(queued, deps.records, deps.clock);
  const build = await deps.records.update(queued.id, ['QUEUED'], {
    status: 'WORKING',
    startTime: tracker.now(),
    steps: tracker.steps,
  });
  if (build === undefined) return undefined;
  const writer = logWriter(build, deps);
  const log = new BuildLog(writer, build.steps.length, deps.limits?.defaults.logBytes);
  const { signal: stopped, clear } = buildSignal(outer, parseDuration(build.timeout) ?? 0);
  const within = new AbortController();
  const signal = AbortSignal.any([stopped, within.signal]);
  let results: BuildResults = {};
  let warnings: readonly BuildWarning[] = [];
  let failure: BuildFailure | undefined;
  try {
    log.begin(build.id);
    const run = await tracker.phase('SETUPBUILD', () =>
      openRun(build, deps, log, signal, (reason) => within.abort(reason)),
    );
    warnings = run.warnings;
    try {
      if (deps.local?.pushes !== false) await requireArtifactBucket(run);
      await fillWorkspace(run, tracker, signal);
      log.line('BUILD');
      const buildStepImages = await tracker.phase('BUILD', () => runSteps(run, tracker, signal));
      results = { buildStepImages };
      if (deps.local?.pushes !== false) {
        log.line('PUSH');
        await tracker.phase('PUSH', async () => {
          results = { ...results, images: await pushImages(run, tracker, signal) };
          results = { ...results, ...(await uploadObjects(run, tracker, signal)) };
        });
      }
    } finally {
      results = { ...results, ...(await resultsOf(run, results)) };
      await run
        .close()
        .catch((error: unknown) => serverLog.error({ build: build.id, error: messageOf(error) }, 'leftovers'));
    }
  } catch (error) {
    failure = failureFor(error, build, log, signal);
  } finally {
    clear();
  }
  logEnd(log, failure);
  await writer.close().catch((error: unknown) => {
    failure ??= new BuildFailure('INTERNAL_ERROR', 'LOGGING_FAILURE', `the log is not whole: ${messageOf(error)}`);
  });
  const unpublished = await publishLog(build, deps);
  if (unpublished !== undefined) warnings = [...warnings, { text: unpublished, priority: 'WARNING' }];
  await tracker.settle();
  return deps.records.update(build.id, ['WORKING'], {
    status: failure?.status ?? 'SUCCESS',
    finishTime: tracker.now(),
    steps: tracker.steps,
    timing: tracker.timing,
    results,
    ...(failure === undefined ? {} : endingOf(failure, log)),
    ...(warnings.length === 0 ? {} : { warnings: warnings.map((each) => ({ ...each, text: log.masked(each.text) })) }),
  });
}

/** From the build's source, or by whoever runs it at a terminal. */
async function fillWorkspace(run: BuildRun, tracker: BuildTracker, signal: AbortSignal): Promise<void> {
  const fill = run.deps.local?.fill;
  if (fill === undefined) return fetchSource(run, tracker, signal);
  run.log.line('FETCHSOURCE');
  await tracker.phase('FETCHSOURCE', () => fill(run.workspace.workspace, (line) => run.log.line(line)));
}

/** What a failed build has produced is told as well: pushed images exist, outputs may explain the failure. */
async function resultsOf(run: BuildRun, { images = [] }: BuildResults): Promise<BuildResults> {
  return {
    images: [...images, ...imagesOfSteps(run.pushes, images)],
    buildStepOutputs: await readStepOutputs(run.workspace, run.build.steps.length, (text) => run.log.masked(text)),
  };
}

/** What isn't a failure of the build is ours; its text goes to the server's log with the stack, to the user without. */
function failureFor(error: unknown, build: Build, log: BuildLog, signal: AbortSignal): BuildFailure {
  const stopped = failureOf(signal);
  if (stopped !== undefined) return stopped;
  if (error instanceof BuildFailure) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  serverLog.error({ build: build.id, error: log.masked(text) }, 'build failed by an error of the server');
  const advice = error instanceof Problem ? error.hint : undefined;
  return new BuildFailure('INTERNAL_ERROR', 'FAILURE_TYPE_UNSPECIFIED', `internal error: ${messageOf(error)}`, {
    advice,
  });
}

function logEnd(log: BuildLog, failure: BuildFailure | undefined): void {
  if (failure === undefined) log.end('DONE');
  else {
    const { status, message, advice } = failure;
    log.end(status === 'TIMEOUT' || status === 'CANCELLED' ? status : 'ERROR', message, advice);
  }
}

function endingOf(failure: BuildFailure, log: BuildLog): Pick<Build, 'statusDetail' | 'failureInfo'> {
  const message = log.masked(failure.message);
  const detail = failure.type === 'USER_BUILD_STEP' ? `Build step failure: ${message}` : message;
  if (failure.status === 'CANCELLED') return { statusDetail: detail };
  return { statusDetail: detail, failureInfo: { type: failure.type, detail } };
}
