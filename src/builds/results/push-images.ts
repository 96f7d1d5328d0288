import type { PushResult } from '../../engine/engine.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { retry } from '../../lib/retry.ts';
import type { BuiltImage } from '../build.ts';
import { pushedLine, pushLines } from '../docker/push.ts';
import { BuildFailure } from '../run/failure.ts';
import type { BuildRun } from '../run/run-context.ts';
import type { BuildTracker } from '../run/tracker.ts';

/** Each of them has the tries of its single requests in it. */
const PUSH_ATTEMPTS = 3;
const PUSH_DELAY_MS = 500;

/**
 * Pushes `images:` of the build, all of which must exist before the first one goes. A name without tag means every tag
 * that the build gave it; `latest` is then recorded with and without the tag.
 * @throws BuildFailure
 */
export async function pushImages(run: BuildRun, tracker: BuildTracker, signal: AbortSignal): Promise<BuiltImage[]> {
  const names = run.build.images ?? run.build.artifacts?.images ?? [];
  await requireAll(names, run);
  const pushed: BuiltImage[] = [];
  for (const name of names) {
    const startTime = tracker.now();
    const { host, repository, tag, digest } = parseReference(name);
    const say = (line: string) => run.log.line(line);
    const caller = { ...run.caller, signal };
    try {
      const all = tag === undefined && digest === undefined;
      const results = await inAttempts(run, signal, async () => {
        say(`Pushing ${name}`);
        say(`The push refers to repository [${host}/${repository}]`);
        return all
          ? await run.engine.pushAll(name, caller, pushLines(say))
          : [await run.engine.push(name, caller, pushLines(say))];
      });
      for (const result of results) {
        say(pushedLine(result));
        const pushTiming = { startTime, endTime: tracker.now() };
        if (all && result.tag === 'latest') pushed.push({ name, digest: result.digest, pushTiming });
        pushed.push({ name: all ? `${name}:${result.tag}` : name, digest: result.digest, pushTiming });
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof Problem)) throw error;
      const refused = error.code === 'denied' || error.code === 'unauthenticated';
      throw new BuildFailure(
        'FAILURE',
        refused ? 'PUSH_NOT_AUTHORIZED' : 'PUSH_FAILED',
        `error pushing image ${JSON.stringify(name)}: ${error.message}`,
        { advice: error.hint, cause: error },
      );
    }
  }
  return pushed;
}

/** A registry that can't be reached or is overloaded may be there a moment later; what it refuses stays refused. */
async function inAttempts<T>(run: BuildRun, signal: AbortSignal, push: () => Promise<T>): Promise<T> {
  const passing = (error: unknown): error is Problem =>
    error instanceof Problem && (error.code === 'unavailable' || error.code === 'timeout');
  const attempted = async (attempt: number) => {
    try {
      return await push();
    } catch (error) {
      if (passing(error) && !signal.aborted)
        run.log.line(
          attempt < PUSH_ATTEMPTS
            ? `ERROR: push attempt ${attempt} detected failure, retrying: ${error.message}`
            : 'ERROR: failed to push because we ran out of retries.',
        );
      throw error;
    }
  };
  return retry(attempted, { attempts: PUSH_ATTEMPTS, delay: PUSH_DELAY_MS, retryable: passing, signal });
}

async function requireAll(names: readonly string[], run: BuildRun): Promise<void> {
  if (names.length === 0) return;
  const local = (await run.engine.images(run.caller)).map((image) => parseReference(image.name));
  const missing = names.filter((name) => {
    const wanted = parseReference(name);
    return !local.some(
      (have) =>
        have.host === wanted.host &&
        have.repository === wanted.repository &&
        (wanted.tag === undefined || have.tag === wanted.tag) &&
        (wanted.digest === undefined || have.digest === wanted.digest),
    );
  });
  if (missing.length === 0) return;
  const made = local.map(familiarName);
  throw new BuildFailure(
    'FAILURE',
    'PUSH_IMAGE_NOT_FOUND',
    `failed to find one or more images after execution of build steps: [${missing.map((name) => JSON.stringify(name)).join(' ')}]`,
    {
      advice:
        made.length === 0
          ? 'No step of this build made an image.'
          : `This build has ${made.slice(0, 5).join(', ')}. A step has to tag what images: names.`,
    },
  );
}

/** What steps pushed by themselves, each name once, those of `images:` left out. */
export function imagesOfSteps(pushes: readonly PushResult[], listed: readonly BuiltImage[]): BuiltImage[] {
  const known = new Set(listed.map((image) => image.name));
  const found = new Map<string, BuiltImage>();
  for (const { reference, tag, digest } of pushes) {
    const { host, repository } = parseReference(reference);
    const name = familiarName({ host, repository, tag });
    if (!known.has(name)) found.set(name, { name, digest });
  }
  return [...found.values()];
}
