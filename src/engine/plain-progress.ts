import { Lines } from '../lib/lines.ts';
import type { BuildEvent } from './events.ts';

interface Shown {
  name: string;
  started: number;
  lines: { stdout: Lines; stderr: Lines };
}

/** Lines of a failed vertex that are repeated under its error, as BuildKit does. */
const TAIL_LINES = 10;
/** Characters of each that are repeated. */
const TAIL_LINE = 4096;

/**
 * BuildEvents as the lines of BuildKit's `--progress=plain`: `#5 [2/4] COPY a b`, `#5 0.050 text`, `#5 DONE 0.1s`.
 * A blank line stands before every vertex that speaks again after another one spoke.
 */
export class PlainProgress {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #shown = new Map<number, Shown>();
  readonly #tails = new Map<number, string[]>();
  #speaker: number | undefined;

  /** @param now milliseconds, for the times before output lines */
  constructor(write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  readonly listen = (event: BuildEvent): void => {
    switch (event.kind) {
      case 'vertex':
        this.#shown.set(event.id, {
          name: event.name,
          started: this.#now(),
          lines: { stdout: new Lines(), stderr: new Lines() },
        });
        this.#line(event.id, event.name);
        return;
      case 'output':
        this.#output(event.id, event.stream, event.text);
        return;
      case 'note':
        this.#line(event.id, event.text);
        return;
      case 'end':
        this.#end(event);
        return;
      case 'warning':
        this.#write(`WARN: ${event.rule}: ${event.message} (line ${event.place.ranges[0]?.line ?? 1})\n`);
    }
  };

  #output(id: number, stream: 'stdout' | 'stderr', text: string): void {
    const shown = this.#shown.get(id);
    if (shown === undefined) return;
    for (const line of shown.lines[stream].take(text)) this.#spoken(id, shown, line);
  }

  #spoken(id: number, shown: Shown, line: string): void {
    const text = `${((this.#now() - shown.started) / 1000).toFixed(3)} ${line.replace(/\r$/, '')}`;
    this.#line(id, text);
    const tail = this.#tails.get(id) ?? [];
    tail.push(text.slice(0, TAIL_LINE));
    if (tail.length > TAIL_LINES) tail.shift();
    this.#tails.set(id, tail);
  }

  #end(event: Extract<BuildEvent, { kind: 'end' }>): void {
    const { id, status, ms, reason } = event;
    const shown = this.#shown.get(id);
    if (shown !== undefined)
      for (const rest of [shown.lines.stdout.end(), shown.lines.stderr.end()])
        if (rest !== '') this.#spoken(id, shown, rest);
    if (status === 'done') this.#line(id, `DONE ${(ms / 1000).toFixed(1)}s`);
    else if (status === 'cached') this.#line(id, 'CACHED');
    else if (status === 'cancelled') this.#line(id, 'CANCELED');
    else {
      this.#line(id, `ERROR: ${reason ?? 'failed'}`);
      const tail = this.#tails.get(id) ?? [];
      this.#write(`------\n > ${shown?.name ?? ''}:\n${tail.map((line) => `${line}\n`).join('')}------\n`);
    }
    this.#shown.delete(id);
    this.#tails.delete(id);
  }

  #line(id: number, text: string): void {
    const gap = this.#speaker !== undefined && this.#speaker !== id ? '\n' : '';
    this.#speaker = id;
    this.#write(`${gap}#${id} ${text}\n`);
  }
}
