import type { ControlCalls, PushEvent } from '../../doors/control/wire.ts';
import type { BuildEvent } from '../../engine/events.ts';
import { PlainProgress } from '../../engine/progress/plain.ts';
import { formatDuration } from '../../lib/bytes.ts';
import { type BuildOptions, buildCallOf } from '../build-call.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type ExplainedBase, explained } from '../explained.ts';
import type { Terminal } from '../terminal.ts';
import { withControl } from '../with-control.ts';

export async function build(context: CliContext, options: BuildOptions, folder = '.'): Promise<number> {
  const call = await buildCallOf(options, folder);
  const lines = progressLines(context.terminal, options);
  const plain = new PlainProgress(lines.write);
  const bases = new Map<number, ExplainedBase>();
  const onEvent = (event: BuildEvent | PushEvent) => {
    if (options.progress === 'json') context.terminal.out(`${JSON.stringify(event)}\n`);
    if (!('kind' in event)) return;
    noteBase(event, bases);
    plain.listen(event);
  };
  let result: ControlCalls['build']['result'];
  try {
    result = await withControl(context, (control) => control.call('build', call, onEvent, context.signal));
    plain.finish();
  } catch (error) {
    plain.finish();
    lines.failed();
    throw error;
  }
  if (options.progress === 'json') context.terminal.out(`${JSON.stringify({ result })}\n`);
  else if (options.quiet) context.terminal.out(result.images.map(({ image }) => `${image.id}\n`).join(''));
  else {
    if (options.explain) context.terminal.out(`${explained(result.steps, [...bases.values()])}\n`);
    for (const { image, tags, kept } of result.images) {
      const same = kept ? ', the same as upstream' : '';
      context.terminal.out(`${image.target.digest}${same}  ${formatDuration(result.ms)}\n`);
      for (const name of tags) context.terminal.out(`  ${name}\n`);
    }
    for (const { reference } of result.pushed) context.terminal.out(`  pushed ${reference}\n`);
  }
  return EXIT.done;
}

/** As the engine names the vertex of a base (engine/solve.ts): `[build 1/4] FROM debian:12`. */
const FROM_VERTEX = /^\[(?:\S+ )?\d+\/\d+\] (FROM .*)$/;

function noteBase(event: BuildEvent, bases: Map<number, ExplainedBase>): void {
  const text = event.kind === 'vertex' ? FROM_VERTEX.exec(event.name)?.[1] : undefined;
  if (event.kind === 'vertex' && text !== undefined) bases.set(event.id, { text, cached: true });
  const base = event.kind === 'end' ? bases.get(event.id) : undefined;
  if (event.kind === 'end' && base !== undefined) base.cached = event.status === 'cached';
}

/** Of a quiet build that failed, so much of the end of its output is shown. */
const KEPT_LINES = 40;

/**
 * Where progress goes: to standard error at once, or, where the answer alone was asked for, nowhere until the build fails.
 * Then its last lines are shown, because the output of the RUN line that failed is the reason.
 */
function progressLines(terminal: Terminal, options: BuildOptions): { write(text: string): void; failed(): void } {
  if (options.progress === 'json') return { write: () => undefined, failed: () => undefined };
  const wanted = options.progress === 'plain' || !(options.quiet || options.explain);
  if (wanted) return { write: (text) => terminal.err(text), failed: () => undefined };
  const kept: string[] = [];
  return {
    write(text) {
      kept.push(text);
      if (kept.length > KEPT_LINES) kept.shift();
    },
    failed: () => terminal.err(kept.join('')),
  };
}
