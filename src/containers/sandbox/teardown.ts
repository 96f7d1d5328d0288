import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';

/**
 * What has to be taken back, in reverse order of how it was made. Every step runs, whatever the others did: a folder that
 * can't be unmounted must not keep a network alive. A failure is logged and not thrown, since it must not hide how the
 * container ended; what it left is found by the next sweep.
 */
export class Teardown {
  readonly #steps: { what: string; undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        log.error({ step: step.what, error: messageOf(error) }, 'a container left something behind');
      }
    }
  }
}
