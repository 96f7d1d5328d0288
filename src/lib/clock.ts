/** Time as a dependency, so that leases, timeouts and ages can be tested without waiting. Milliseconds since 1970. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** RFC 3339 with milliseconds, in UTC, as every API here writes it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
