import type { BuildEvent } from '../../engine/events.ts';
import { WarningList } from '../../engine/progress/warnings.ts';
import type { LiveTerminal } from '../terminal.ts';
import { BuildView } from './build-view.ts';
import { LiveLines } from './live-lines.ts';
import { paintWith } from './paint.ts';
import { type BuildProgress, type Outcome, WARNINGS_HINT } from './progress.ts';
import { Redraw } from './redraw.ts';

const WORDS: Record<Outcome, string> = { done: 'FINISHED', failed: 'FAILED', cancelled: 'CANCELED' };

/** A build as a picture on a terminal that is drawn again while it runs; the last one stays. */
export class LiveProgress implements BuildProgress {
  readonly showsOutput = false;
  readonly #terminal: LiveTerminal;
  readonly #view = new BuildView(performance.now());
  readonly #warnings = new WarningList();
  readonly #lines: LiveLines;
  readonly #redraw: Redraw;
  readonly #unwatch: () => void;

  constructor(terminal: LiveTerminal) {
    this.#terminal = terminal;
    this.#lines = new LiveLines(terminal.write, terminal.size);
    this.#redraw = new Redraw(() => this.#draw());
    this.#unwatch = terminal.onResize(() => this.#redraw.ask());
  }

  readonly listen = (event: BuildEvent): void => {
    this.#view.add(event, performance.now());
    if (event.kind === 'warning') this.#warnings.add(event);
    this.#redraw.ask();
  };

  finish(outcome: Outcome): void {
    this.#redraw.end();
    this.#unwatch();
    this.#draw(WORDS[outcome]);
    this.#lines.leave();
    this.#terminal.write(this.#warnings.text(WARNINGS_HINT));
  }

  #draw(word?: string): void {
    const { size, colours } = this.#terminal;
    this.#lines.draw(this.#view.lines(size(), performance.now(), paintWith(colours), word));
  }
}
