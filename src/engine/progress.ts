import { messageOf, type Place, Problem } from '../lib/problem.ts';
import type { BuildEvent } from './events.ts';

/** Numbers the vertices of one build and reports each one's beginning, output and end exactly once. */
export class Progress {
  readonly #listen: (event: BuildEvent) => void;
  #last = 0;

  constructor(listen: (event: BuildEvent) => void) {
    this.#listen = listen;
  }

  /** Events of another one, whose vertices come before those that begin here. */
  readonly relay = (event: BuildEvent): void => {
    if (event.kind === 'vertex') this.#last = Math.max(this.#last, event.id);
    this.#listen(event);
  };

  /** @param step the instruction of the `steps` event that it does */
  begin(name: string, place?: Place, step?: number): Vertex {
    const id = ++this.#last;
    this.#listen({ kind: 'vertex', id, name, place, ...(step === undefined ? {} : { step }) });
    return new Vertex(id, this.#listen);
  }

  emit(event: BuildEvent): void {
    this.#listen(event);
  }
}

/** Told how far bytes are on their way; `item` names them. The last call for an item says `done`. */
export type Watch = (item: string, current: number, total: number | undefined, done: boolean) => void;

/** Between two reports of the same bytes. Milliseconds. */
const STATUS_MS = 100;

/** One line of work of a build, as a client shows it. */
export class Vertex {
  readonly id: number;
  readonly #listen: (event: BuildEvent) => void;
  readonly #started = performance.now();
  readonly #reported = new Map<string, number>();
  #ended = false;

  constructor(id: number, listen: (event: BuildEvent) => void) {
    this.id = id;
    this.#listen = listen;
  }

  /** Milliseconds since it began. */
  get elapsed(): number {
    return performance.now() - this.#started;
  }

  output(stream: 'stdout' | 'stderr', text: string): void {
    this.#listen({ kind: 'output', id: this.id, stream, text });
  }

  note(text: string): void {
    this.#listen({ kind: 'note', id: this.id, text });
  }

  /**
   * May be called for every chunk: what comes too often is left out. The end never is, and a beginning (of which `current` is
   * 0) neither; what is over before it was worth a report has an end alone.
   */
  readonly status: Watch = (item, current, total, done) => {
    if (this.#ended) return;
    const now = performance.now();
    const before = this.#reported.get(item);
    const due = done || (before === undefined ? current === 0 : now - before >= STATUS_MS);
    if (before === undefined || due) this.#reported.set(item, now);
    if (due) this.#listen({ kind: 'status', id: this.id, item, current, total, done });
  };

  end(status: 'done' | 'cached', reason?: string): void {
    this.#end(status, reason);
  }

  fail(error: unknown): void {
    const cancelled = error instanceof Problem && error.code === 'cancelled';
    this.#end(cancelled ? 'cancelled' : 'error', messageOf(error));
  }

  #end(status: 'done' | 'cached' | 'error' | 'cancelled', reason: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listen({ kind: 'end', id: this.id, ms: this.elapsed, status, reason });
  }
}
