import { BuildFailure } from '../run/failure.ts';

/** Why a running build is stopped. One path serves the user, the clock and the server's own end. */
export type StopReason = 'user' | 'timeout' | 'shutdown';

const FAILURES: Record<StopReason, () => BuildFailure> = {
  user: () => new BuildFailure('CANCELLED', 'FAILURE_TYPE_UNSPECIFIED', 'context canceled'),
  timeout: () => new BuildFailure('TIMEOUT', 'FAILURE_TYPE_UNSPECIFIED', 'context deadline exceeded'),
  shutdown: () =>
    new BuildFailure('INTERNAL_ERROR', 'FAILURE_TYPE_UNSPECIFIED', 'the server was shut down while the build ran', {
      advice: 'Start it again: gcloud builds submit, or slipway builds retry.',
    }),
};

/** The signal that a build runs under, ended by the caller's signal or when its time is over. */
export function buildSignal(outer: AbortSignal, timeoutMs: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const onAbort = () => controller.abort(stopFailure(outer.reason));
  if (outer.aborted) onAbort();
  else outer.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => controller.abort(FAILURES.timeout()), timeoutMs);
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', onAbort);
    },
  };
}

/** The failure that a stopped build ends with; an abort without a reason of ours is the user's. */
export function stopFailure(reason: unknown): BuildFailure {
  return FAILURES[reason === 'shutdown' || reason === 'timeout' ? reason : 'user']();
}

/** The failure behind an aborted signal of `buildSignal`. */
export function failureOf(signal: AbortSignal): BuildFailure | undefined {
  return signal.reason instanceof BuildFailure ? signal.reason : undefined;
}
