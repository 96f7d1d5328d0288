import { Problem, type ProblemOptions } from '../../lib/problem.ts';

/** A path that COPY, ADD or the build itself needs is not in the context; callers may know why (.gcloudignore). */
export class MissingSource extends Problem {
  /** Below the context. */
  readonly path: string;

  constructor(message: string, path: string, options: ProblemOptions = {}) {
    super('not-found', message, options);
    this.path = path;
  }
}
