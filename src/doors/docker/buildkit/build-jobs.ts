import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltImage } from '../../../engine/engine.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import type { DockerHouse } from '../call.ts';
import { BuildJob } from './build-job.ts';
import { orGone } from './deferred.ts';

/** How long a build that has ended, or never began, is remembered for those who are late. Milliseconds. */
const LATE = 30_000;

/** The builds of one scope by the names that clients gave them. */
export class BuildJobs {
  readonly #jobs = new Map<string, BuildJob>();

  /** The calls of one build come in any order: the first makes it. @throws GrpcError `invalid-argument` */
  of(ref: string): BuildJob {
    const known = this.#jobs.get(ref);
    if (known !== undefined) return known;
    if (ref === '') throw new GrpcError('invalid-argument', 'the call names no build');
    const job = new BuildJob();
    this.#jobs.set(ref, job);
    void this.#forget(ref, job);
    return job;
  }

  /** The image that another build of the client makes, when it has made it. @throws GrpcError `not-found`, `cancelled` */
  async result(id: string, signal: AbortSignal): Promise<BuiltImage> {
    for (const { results } of this.#jobs.values()) {
      const found = results.get(id);
      if (found !== undefined) return await orGone(found.image.promise, signal);
    }
    throw new GrpcError('not-found', 'the result of another build is not known any more');
  }

  async #forget(ref: string, job: BuildJob): Promise<void> {
    await sleep(LATE, undefined, { ref: false });
    if (job.begun) {
      await job.ended;
      await sleep(LATE, undefined, { ref: false });
    }
    this.#jobs.delete(ref);
  }
}

const ofHouse = new WeakMap<DockerHouse['events'], BuildJobs>();

export function buildJobsOf({ events }: Pick<DockerHouse, 'events'>): BuildJobs {
  const known = ofHouse.get(events) ?? new BuildJobs();
  ofHouse.set(events, known);
  return known;
}
