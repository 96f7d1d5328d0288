import type { BuildEvent } from '../../engine/events.ts';
import { ClassicProgress } from '../../engine/progress/classic.ts';
import { PlainProgress } from '../../engine/progress/plain.ts';
import type { BuildOptions } from '../build-call.ts';
import type { Terminal } from '../terminal.ts';
import { UsageProblem } from '../usage-problem.ts';
import { LiveProgress } from './live-progress.ts';
import { type BuildProgress, WARNINGS_HINT } from './progress.ts';

/** The progress that was asked for: on a terminal a picture, else lines. @throws UsageProblem */
export function buildProgress(terminal: Terminal, options: BuildOptions): BuildProgress {
  const { live } = terminal;
  const silent = options.quiet === true || options.explain === true;
  switch (options.progress) {
    case 'json':
      return {
        showsOutput: false,
        listen: (event) => terminal.out(`${JSON.stringify(forPrograms(event))}\n`),
        finish: () => undefined,
      };
    case 'plain':
      return plainLines((text) => terminal.err(text));
    case 'tty':
      if (live !== undefined) return new LiveProgress(live);
      throw new UsageProblem(
        '--progress tty: standard error is no terminal',
        '--progress auto draws where there is one, and prints lines elsewhere.',
      );
    case 'classic':
      return classicLines(terminal);
    case 'quiet':
      return untilItFails(terminal);
    case 'auto':
      if (silent) return untilItFails(terminal);
      return live === undefined ? plainLines((text) => terminal.err(text)) : new LiveProgress(live);
  }
}

/** As docs/progress.md has it. The Dockerfile's text, which every place brings along, is at hand where it was built. */
function forPrograms(event: BuildEvent): object {
  if (!('place' in event) || event.place === undefined) return event;
  const { file, ranges } = event.place;
  return { ...event, place: { file, ranges } };
}

function classicLines({ err, live }: Terminal): BuildProgress {
  const classic = new ClassicProgress(err, { colours: live?.colours === true });
  return {
    showsOutput: true,
    listen: classic.listen,
    finish: (outcome, images = []) => (outcome === 'done' ? classic.built(images) : classic.failed()),
  };
}

function plainLines(write: (text: string) => void): BuildProgress {
  const plain = new PlainProgress(write, { warningsHint: WARNINGS_HINT });
  return { showsOutput: true, listen: plain.listen, finish: () => plain.finish() };
}

/** Of a quiet build that failed, so much of the end of its output is shown. */
const KEPT_LINES = 40;

/** Nothing, until the build fails: then its last lines, because the output of the line that failed is the reason. */
function untilItFails(terminal: Terminal): BuildProgress {
  const kept: string[] = [];
  const plain = plainLines((text) => {
    kept.push(text);
    if (kept.length > KEPT_LINES) kept.shift();
  });
  return {
    showsOutput: true,
    listen: (event: BuildEvent) => plain.listen(event),
    finish(outcome) {
      plain.finish(outcome);
      if (outcome !== 'done') terminal.err(kept.join(''));
    },
  };
}
