import type { Warning } from '../dockerfile/checks/warnings.ts';
import type { Digest } from '../images/digest.ts';
import type { Place } from '../lib/problem.ts';

/** Progress as facts; how they look is the caller's (BuildKit's plain lines, classic "Step 1/7", JSON). */
export type BuildEvent =
  | {
      kind: 'vertex';
      id: number;
      name: string;
      place?: Place | undefined;
      /** The instruction that it does, of `steps`. */
      step?: number | undefined;
    }
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
  /** Every instruction that the targets need, in the order of the file; only where `stepImages` was asked for. */
  | { kind: 'steps'; steps: { text: string; place: Place }[] }
  /** Instruction `n` of `steps` is done; `image` is the id of the image that an export at this point would give. */
  | {
      kind: 'step';
      n: number;
      status: 'cached' | 'ran' | 'metadata';
      image?: Digest | undefined;
      /** Of metadata: whether this very image was made before. Absent where nobody keeps the images of steps. */
      known?: boolean | undefined;
      /** Of a FROM that a registry was asked about: what it meant there, and whether this scope had it before. */
      pulled?: { name: string; digest: Digest; fresh: boolean } | undefined;
      /** Of a FROM: so many ONBUILD instructions of the base have run. */
      triggers?: number | undefined;
    }
  /** A remark of the compiler; `fix` says what to do about it. */
  | ({ kind: 'warning' } & Warning);
