import type { BuildStatus, FailureType } from '../build.ts';

/**
 * Why a build did not succeed: how it ends and what its log and failureInfo say. Thrown by the parts of run.ts; whoever
 * reports it needs nothing else.
 */
export class BuildFailure extends Error {
  readonly status: Extract<BuildStatus, 'FAILURE' | 'TIMEOUT' | 'CANCELLED' | 'INTERNAL_ERROR'>;
  readonly type: FailureType;
  /** Shown in the log below the cause, in lines. */
  readonly advice: string | undefined;

  constructor(
    status: BuildFailure['status'],
    type: FailureType,
    message: string,
    options: { advice?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'BuildFailure';
    this.status = status;
    this.type = type;
    this.advice = options.advice;
  }
}
