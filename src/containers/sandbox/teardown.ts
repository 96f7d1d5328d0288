import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';

/**
 * What has to be taken back, in reverse order of how it was made; steps that don't need one another, and lie side by side in
 * that order, at once. Every step runs, whatever the others did: a folder that
 * can't be unmounted must not keep a network alive. A failure is logged and not thrown, since it must not hide how the
 * container ended; what it left is found by the next sweep.
 */
export class Teardown {
  readonly #steps: Step[] = [];
  #isOver = false;

  /** What comes after the end is taken back at once. */
  add(what: string, undo: () => Promise<void>): void {
    if (this.#isOver) void undoStep({ what, undo, alone: true });
    else this.#steps.push({ what, undo, alone: true });
  }

  /** What needs only the steps that were added by `add`. */
  addBeside(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo, alone: false });
  }

  async run(): Promise<void> {
    const beside: Promise<void>[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      if (step.alone) await Promise.all(beside.splice(0));
      const undone = undoStep(step);
      if (step.alone) await undone;
      else beside.push(undone);
    }
    await Promise.all(beside);
    this.#isOver = true;
  }
}

interface Step {
  what: string;
  undo: () => Promise<void>;
  alone: boolean;
}

async function undoStep(step: Step): Promise<void> {
  try {
    await step.undo();
  } catch (error) {
    log.error({ step: step.what, error: messageOf(error) }, 'a container left something behind');
  }
}
