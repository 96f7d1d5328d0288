import { StringDecoder } from 'node:string_decoder';
import { Lines } from '../../lib/lines.ts';
import type { LogWriter } from '../../stores/logs/logs.ts';

/** Takes a step's output: text as it comes, on either stream. */
export interface StepOutput {
  stdout(chunk: Uint8Array | string): void;
  stderr(chunk: Uint8Array | string): void;
}

/**
 * The log in Cloud Build's own format, which log viewers take apart: phase words stand alone on their lines; with two steps
 * or more, every line of a step is `Step #N - "id": text`. Only whole lines are written, so the streams of a step and the
 * steps beside it mix by line.
 */
export class BuildLog {
  readonly #writer: LogWriter;
  readonly #prefixed: boolean;

  constructor(writer: LogWriter, steps: number) {
    this.#writer = writer;
    this.#prefixed = steps > 1;
  }

  line(text: string): void {
    this.#writer.append(`${text}\n`);
  }

  begin(id: string): void {
    this.#writer.append(`starting build ${JSON.stringify(id)}\n\n`);
  }

  /** `label` as plan.ts gives it. */
  step(label: string): StepLog {
    return new StepLog((text) => this.#writer.append(text), this.#prefixed ? label : undefined);
  }

  /** `outcome` is DONE, ERROR, TIMEOUT or CANCELLED; the cause follows all but the first, then what to do about it. */
  end(outcome: 'DONE' | 'ERROR' | 'TIMEOUT' | 'CANCELLED', cause?: string, advice?: string): void {
    this.line(outcome);
    if (cause !== undefined) this.line(`ERROR: ${cause}`);
    if (advice !== undefined) this.line(advice);
  }
}

/** The lines of one step. `finish` must be called, or a last line without newline is lost. */
export class StepLog implements StepOutput {
  readonly #append: (text: string) => void;
  readonly #label: string | undefined;
  readonly #streams = {
    stdout: { decoder: new StringDecoder('utf8'), lines: new Lines() },
    stderr: { decoder: new StringDecoder('utf8'), lines: new Lines() },
  };

  constructor(append: (text: string) => void, label: string | undefined) {
    this.#append = append;
    this.#label = label;
  }

  start(): void {
    if (this.#label !== undefined) this.#append(`Starting ${this.#label}\n`);
  }

  line(text: string): void {
    this.#append(`${this.#label === undefined ? '' : `${this.#label}: `}${text}\n`);
  }

  stdout(chunk: Uint8Array | string): void {
    this.#take('stdout', chunk);
  }

  stderr(chunk: Uint8Array | string): void {
    this.#take('stderr', chunk);
  }

  /** Writes what has no newline yet, and the line that says the step is over. */
  finish(): void {
    for (const { decoder, lines } of Object.values(this.#streams)) {
      for (const line of lines.take(decoder.end())) this.line(line);
      const rest = lines.end();
      if (rest !== '') this.line(rest);
    }
    if (this.#label !== undefined) this.#append(`Finished ${this.#label}\n`);
  }

  #take(name: 'stdout' | 'stderr', chunk: Uint8Array | string): void {
    const { decoder, lines } = this.#streams[name];
    const text =
      typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    for (const line of lines.take(text)) this.line(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
