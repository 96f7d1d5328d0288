import type { BuiltImage } from '../../engine/engine.ts';
import type { BuildEvent } from '../../engine/events.ts';

export type Outcome = 'done' | 'failed' | 'cancelled';

/** How a build is shown while it runs. */
export interface BuildProgress {
  listen(event: BuildEvent): void;
  /** Called once, with what was built; what is shown then stays. */
  finish(outcome: Outcome, images?: readonly BuiltImage[]): void;
}
