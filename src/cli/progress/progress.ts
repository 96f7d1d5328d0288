import type { BuiltImage } from '../../engine/engine.ts';
import type { BuildEvent } from '../../engine/events.ts';

export type Outcome = 'done' | 'failed' | 'cancelled';

/** How a build is shown while it runs. */
export interface BuildProgress {
  /** What commands wrote has been shown, so that a complaint need not repeat the end of it. */
  showsOutput: boolean;
  listen(event: BuildEvent): void;
  /** Called once, with what was built; what is shown then stays. */
  finish(outcome: Outcome, images?: readonly BuiltImage[]): void;
}

/** Where warnings that a build counts are explained. */
export const WARNINGS_HINT = 'slipway build --check shows where';
