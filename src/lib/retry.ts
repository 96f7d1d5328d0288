export interface RetryOptions {
  /** How often at the most, the first try included. */
  attempts: number;
  /** Milliseconds before the second try; doubled each time, with up to 25 % of jitter so that clients don't march in step. */
  delay: number;
  /** Whether this error may pass by itself. */
  retryable: (error: unknown) => boolean;
  signal?: AbortSignal | undefined;
}

/** Does `work` until it succeeds, fails for good, or the attempts are used up; then the last error is thrown. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= options.attempts || options.signal?.aborted || !options.retryable(error)) throw error;
      await pause(options.delay * 2 ** (attempt - 1) * (1 + Math.random() / 4), options.signal);
    }
  }
}

/** Waits, or ends at once when the signal is given. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
