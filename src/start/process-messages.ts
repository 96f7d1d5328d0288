import type { ProblemJson } from '../lib/problem.ts';

/** What the server says to one of its processes: do this, or stop doing it. */
export type ToProcess =
  | { kind: 'call'; id: number; name: string; args: unknown[] }
  | { kind: 'cancel'; id: number; reason: string };

/** What comes back. `ready` once, when it can take its first call. */
export type FromProcess =
  | { kind: 'ready' }
  | { kind: 'event'; id: number; event: unknown }
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'problem'; id: number; problem: ProblemJson };
