import type { Warning } from '../dockerfile/checks/warnings.ts';
import type { Place } from '../lib/problem.ts';

/** Progress as facts; how they look is the caller's (BuildKit's plain lines, classic "Step 1/7", JSON). */
export type BuildEvent =
  | { kind: 'vertex'; id: number; name: string; place?: Place | undefined }
  | { kind: 'output'; id: number; stream: 'stdout' | 'stderr'; text: string }
  | { kind: 'note'; id: number; text: string }
  | {
      kind: 'end';
      id: number;
      ms: number;
      status: 'done' | 'cached' | 'error' | 'cancelled';
      reason?: string | undefined;
    }
  /** Bytes on their way: a layer that is fetched or sent, a context that is read. `item` names it within the vertex. */
  | {
      kind: 'status';
      id: number;
      item: string;
      current: number;
      /** Absent when nobody knows. */
      total?: number | undefined;
      done: boolean;
    }
  /** A remark of the compiler; `fix` says what to do about it. */
  | ({ kind: 'warning' } & Warning);
