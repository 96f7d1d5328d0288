import type { ProcessIo } from '../container.ts';

type Forward = ProcessIo['onStderr'];

/** What runc writes to the container's standard error when it fails itself. */
const REFUSALS = [Buffer.from('runc run failed: '), Buffer.from('exec failed: ')];

/** Holds back a chunk that looks like runc's own complaint, until it is known whether it was one. */
export class HeldRefusal {
  readonly #forward: Forward;
  #held: Buffer | undefined;

  constructor(forward: Forward) {
    this.#forward = forward;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    const before = this.release();
    if (REFUSALS.some((refusal) => chunk.subarray(0, refusal.length).equals(refusal))) {
      this.#held = chunk;
      return before;
    }
    const now = this.#forward(chunk);
    return before === undefined ? now : Promise.all([before, now]).then(() => undefined);
  }

  release(): Promise<void> | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? undefined : this.#forward(held);
  }
}
