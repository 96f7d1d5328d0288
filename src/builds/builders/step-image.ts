import type { Caller, Engine, PullResult } from '../../engine/engine.ts';
import { parseReference, withDefaultTag } from '../../images/reference.ts';
import { type Clock, timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { OwnNames } from '../../stores/registry/name.ts';
import type { TimeSpan } from '../build.ts';
import { reportPull } from '../docker/pull.ts';
import { BuildFailure } from '../run/failure.ts';
import { missingImageAdvice } from './missing-image.ts';
import { ownCopies } from './own-copies.ts';

export interface StepImageRequest {
  /** Number of the step. */
  index: number;
  /** As the step names it. */
  asked: string;
  /** As aliases have it. */
  image: string;
  /** What the builder that we serve ourselves left to the image, e.g. `docker run`. */
  beyond?: string | undefined;
  /** Projects whose copies of builder images count, the build's own first. */
  projects: readonly string[];
}

export interface ImageRoom {
  engine: Engine;
  caller: Caller;
  ownNames: OwnNames;
  clock: Clock;
  say(line: string): void;
  /** Told when a pull begins, and again when it has ended. */
  onPull(span: TimeSpan): void;
}

/**
 * The image that a step runs in, in this order: what this build has under the name, the team's own copy of a builder image,
 * the registry that the name says. The log says which it was, and nothing else ever takes its place.
 * @returns the name under which the engine has it
 * @throws BuildFailure with what to do about it; Problem `cancelled`
 */
export async function provideStepImage(request: StepImageRequest, room: ImageRoom): Promise<string> {
  const { asked, image, index, projects } = request;
  const { engine, caller, say } = room;
  if (image !== asked) say(`${asked} is served as ${image} (builds.images of slipway.yaml)`);
  const copies = ownCopies(image, projects, room.ownNames);
  for (const name of [image, ...copies])
    if (await isHere(name, engine, caller)) {
      say(`Already have image: ${name === image ? name : `${image} (${name})`}`);
      return name;
    }
  say(`Pulling image: ${image}`);
  const now = () => timestamp(room.clock.now());
  const startTime = now();
  room.onPull({ startTime });
  try {
    for (const copy of copies) {
      const pulled = await pullCopy(copy, engine, caller);
      if (pulled === undefined) continue;
      say(`${image} is served as ${copy}`);
      reportPull(withDefaultTag(parseReference(copy)), pulled, say);
      return copy;
    }
    reportPull(withDefaultTag(parseReference(image)), await engine.pull(image, caller), say);
    return image;
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    throw new BuildFailure(
      'FAILURE',
      'USER_BUILD_STEP',
      `build step ${index} "${asked}" failed: error pulling build step ${index} "${image}": ${error.message}`,
      { advice: missingImageAdvice(request, error, room.ownNames), cause: error },
    );
  } finally {
    room.onPull({ startTime, endTime: now() });
  }
}

async function isHere(name: string, engine: Engine, caller: Caller): Promise<boolean> {
  try {
    await engine.inspect(name, caller);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return false;
    throw error;
  }
}

/** Undefined when the team has no such copy. */
async function pullCopy(name: string, engine: Engine, caller: Caller): Promise<PullResult | undefined> {
  try {
    return await engine.pull(name, caller);
  } catch (error) {
    if (error instanceof Problem && (error.code === 'not-found' || error.code === 'denied')) return undefined;
    throw error;
  }
}
