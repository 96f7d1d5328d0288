import { Lines } from '../../lib/lines.ts';
import type { BuildEvent } from '../events.ts';
import { amountOf } from './amounts.ts';
import { Turns } from './turns.ts';
import { WarningList } from './warnings.ts';

type Of<K extends BuildEvent['kind']> = Extract<BuildEvent, { kind: K }>;

interface Shown {
  id: number;
  name: string;
  started: number;
  lines: { stdout: Lines; stderr: Lines };
  /** Written when it gets the floor. */
  waiting: string[];
  /** Characters of those. */
  size: number;
  tail: string[];
  items: Map<string, Item>;
}

/** Bytes on their way within a vertex, as they were written last. */
interface Item {
  started: number;
  at: number;
  current: number;
}

/** Lines of a failed vertex that are repeated under its error, as BuildKit does. */
const TAIL_LINES = 10;
/** Characters of each that are repeated. */
const TAIL_LINE = 4096;
/** Bytes on their way are written again after so much of the whole, or so many milliseconds. */
const STATUS_SHARE = 0.05;
const STATUS_MS = 5000;
/** Shorter times are not written behind bytes. Milliseconds. */
const SHOWN_MS = 10;
/** So many characters wait for their turn; with more they go out, whoever has the floor. */
const WAITING = 1 << 20;
/** How often it is looked whether somebody has waited too long. Milliseconds. */
const TURN_MS = 1000;

export interface PlainOptions {
  /** Milliseconds, for the times before output lines. */
  now?: (() => number) | undefined;
  /** Said behind the number of warnings: where they are explained. */
  warningsHint?: string | undefined;
}

/**
 * BuildEvents as the lines of BuildKit's `--progress=plain`: `#5 [2/4] COPY a b`, `#5 0.050 text`, `#5 DONE 0.1s`. Of
 * vertices at work at the same time one writes; the others wait until it ends, or their turn comes: `#5 ...` then says
 * that more of #5 will follow, and its name stands again where it does. What failed, and the warnings, stand at the end.
 */
export class PlainProgress {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #warningsHint: string | undefined;
  readonly #open = new Map<number, Shown>();
  readonly #turns = new Turns();
  readonly #failed: string[] = [];
  readonly #warnings = new WarningList();
  #begun = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void, { now, warningsHint }: PlainOptions = {}) {
    this.#write = write;
    this.#now = now ?? (() => performance.now());
    this.#warningsHint = warningsHint;
  }

  readonly listen = (event: BuildEvent): void => {
    if (event.kind === 'vertex') this.#vertex(event);
    else if (event.kind === 'output') this.#output(event);
    else if (event.kind === 'status') this.#status(event);
    else if (event.kind === 'end') this.#end(event);
    else if (event.kind === 'warning') this.#warnings.add(event);
    else if (event.kind === 'note') {
      const shown = this.#open.get(event.id);
      if (shown !== undefined) this.#say(shown, event.text);
    }
  };

  /**
   * Writes what still waits, then the last lines of what failed, then the warnings. What hasn't ended was cancelled: whoever
   * hangs up hears no more of it. Nothing may be told to it afterwards.
   */
  finish(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const shown of [...this.#open.values()].sort((a, b) => this.#rank(a) - this.#rank(b)))
      this.#end({ kind: 'end', id: shown.id, ms: 0, status: 'cancelled' });
    this.#write(this.#failed.splice(0).join(''));
    this.#write(this.#warnings.text(this.#warningsHint));
  }

  /** Whoever has the floor goes on first. */
  #rank({ id }: Shown): number {
    return id === this.#turns.current ? 0 : id;
  }

  #vertex({ id, name }: Of<'vertex'>): void {
    const shown: Shown = {
      id,
      name,
      started: this.#now(),
      lines: { stdout: new Lines(), stderr: new Lines() },
      waiting: [],
      size: 0,
      tail: [],
      items: new Map(),
    };
    this.#open.set(id, shown);
    if (this.#turns.current === undefined) this.#give(shown);
  }

  #output({ id, stream, text }: Of<'output'>): void {
    const shown = this.#open.get(id);
    if (shown === undefined) return;
    for (const line of shown.lines[stream].take(text)) this.#spoken(shown, line);
  }

  #spoken(shown: Shown, line: string): void {
    const text = `${seconds(this.#now() - shown.started, 3)} ${line.replace(/\r$/, '')}`;
    shown.tail.push(text.slice(0, TAIL_LINE));
    if (shown.tail.length > TAIL_LINES) shown.tail.shift();
    this.#say(shown, text);
  }

  #status({ id, item, current, total, done }: Of<'status'>): void {
    const shown = this.#open.get(id);
    if (shown === undefined) return;
    const now = this.#now();
    const known = shown.items.get(item) ?? { started: now, at: Number.NEGATIVE_INFINITY, current: 0 };
    shown.items.set(item, known);
    const share = total === undefined || total === 0 ? 0 : (current - known.current) / total;
    if (!done && share < STATUS_SHARE && now - known.at < STATUS_MS) return;
    known.at = now;
    known.current = current;
    const took = now - known.started;
    const time = took > SHOWN_MS ? ` ${seconds(took, 1)}s` : '';
    this.#say(shown, `${item}${amountOf(current, total)}${time}${done ? ' done' : ''}`);
  }

  #end({ id, status, ms, reason }: Of<'end'>): void {
    const shown = this.#open.get(id);
    if (shown === undefined) return;
    for (const rest of [shown.lines.stdout.end(), shown.lines.stderr.end()]) if (rest !== '') this.#spoken(shown, rest);
    const hadFloor = this.#turns.current === id;
    if (!hadFloor) this.#give(shown);
    if (status === 'done') this.#line(id, `DONE ${seconds(ms, 1)}s`);
    else if (status === 'cached') this.#line(id, 'CACHED');
    else if (status === 'cancelled') this.#line(id, 'CANCELED');
    else {
      this.#line(id, `ERROR: ${reason ?? 'failed'}`);
      const tail = shown.tail.map((line) => `${line}\n`).join('');
      this.#failed.push(`------\n > ${shown.name}:\n${tail}------\n`);
    }
    this.#open.delete(id);
    this.#turns.ended(id);
    this.#takeTurn();
    // so that one can see what is being waited for
    const [oldest] = this.#open.values();
    if (hadFloor && this.#turns.current === undefined && oldest !== undefined) this.#give(oldest);
  }

  #say(shown: Shown, text: string): void {
    const now = this.#now();
    this.#turns.said(shown.id, now);
    if (this.#turns.current === undefined) this.#give(shown);
    if (this.#turns.current === shown.id) {
      this.#line(shown.id, text);
      if (this.#timer !== undefined) this.#takeTurn();
      return;
    }
    shown.waiting.push(text);
    shown.size += text.length;
    if (shown.size > WAITING) this.#give(shown);
    else this.#takeTurn();
  }

  /** The floor goes to whoever is next; while somebody waits, it is looked again after a while. */
  #takeTurn(): void {
    const waiting = [...this.#open.values()].filter((shown) => shown.waiting.length > 0);
    const next = this.#turns.next(
      waiting.map(({ id }) => id),
      this.#now(),
    );
    const shown = next === undefined ? undefined : this.#open.get(next);
    if (shown !== undefined) this.#give(shown);
    const wait = waiting.some((other) => other.waiting.length > 0);
    if (!wait) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else this.#timer ??= setInterval(() => this.#takeTurn(), TURN_MS).unref();
  }

  #give(shown: Shown): void {
    const before = this.#turns.current;
    if (before !== undefined && this.#open.has(before)) this.#line(before, '...');
    this.#turns.leave();
    this.#turns.give(shown.id, this.#now());
    this.#write(this.#begun ? '\n' : '');
    this.#begun = true;
    this.#line(shown.id, shown.name);
    for (const line of shown.waiting.splice(0)) this.#line(shown.id, line);
    shown.size = 0;
  }

  #line(id: number, text: string): void {
    this.#write(`#${id} ${text}\n`);
  }
}

function seconds(ms: number, digits: number): string {
  return (ms / 1000).toFixed(digits);
}
