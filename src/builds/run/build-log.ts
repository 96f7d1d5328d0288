import { StringDecoder } from 'node:string_decoder';
import { formatBytes } from '../../lib/bytes.ts';
import { Lines } from '../../lib/lines.ts';
import type { LogWriter } from '../../stores/logs/logs.ts';
import { LogMask, type MaskStream } from '../secrets/mask-log.ts';
import type { BuildSecrets } from '../secrets/resolve-secrets.ts';
import { SHORTEST_MASKED } from '../secrets/secret-shapes.ts';

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
  readonly #mask = new LogMask();
  readonly #output: LogOutput;

  /** @param most bytes that steps may write together; what says how the build goes comes on top */
  constructor(writer: LogWriter, steps: number, most = Number.POSITIVE_INFINITY) {
    this.#writer = writer;
    this.#prefixed = steps > 1;
    this.#output = new LogOutput(writer, most);
  }

  line(text: string): void {
    this.#writer.append(`${this.masked(text)}\n`);
  }

  /** From now on the log shows `***` in place of these. */
  hide(secrets: BuildSecrets): void {
    for (const [name, value] of secrets) {
      this.#mask.add(value);
      if (value.trim().length < SHORTEST_MASKED)
        this.line(`The value of ${name} is too short to be masked in this log.`);
    }
  }

  /** A text about the build as everybody may see it. */
  masked(text: string): string {
    return this.#mask.text(text);
  }

  begin(id: string): void {
    this.#writer.append(`starting build ${JSON.stringify(id)}\n\n`);
  }

  /** `label` as plan.ts gives it. */
  step(label: string): StepLog {
    return new StepLog(this.#output, this.#prefixed ? label : undefined, this.#mask);
  }

  /** `outcome` is DONE, ERROR, TIMEOUT or CANCELLED; the cause follows all but the first, then what to do about it. */
  end(outcome: 'DONE' | 'ERROR' | 'TIMEOUT' | 'CANCELLED', cause?: string, advice?: string): void {
    this.line(outcome);
    if (cause !== undefined) this.line(`ERROR: ${cause}`);
    if (advice !== undefined) this.line(advice);
  }
}

/** What all steps of a build write, up to a bound: a step that prints without end fills no disk. */
class LogOutput {
  readonly #writer: LogWriter;
  readonly #most: number;
  #left: number;

  constructor(writer: LogWriter, most: number) {
    this.#writer = writer;
    this.#most = most;
    this.#left = most;
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  /** Of a step's own. */
  append(text: string): void {
    if (this.isFull) return;
    this.#writer.append(text);
    this.#left -= Buffer.byteLength(text);
    if (this.isFull)
      this.#writer.append(
        `The log has reached ${formatBytes(this.#most)} (builds.maxLogBytes of slipway.yaml): what steps write from here on is not kept.\n`,
      );
  }

  /** About a step. */
  note(text: string): void {
    this.#writer.append(text);
  }
}

interface OutputStream {
  decoder: StringDecoder;
  mask: MaskStream;
  lines: Lines;
}

/** The lines of one step. `finish` must be called, or a last line without newline is lost. */
export class StepLog implements StepOutput {
  readonly #output: LogOutput;
  readonly #label: string | undefined;
  readonly #mask: LogMask;
  readonly #streams: Record<'stdout' | 'stderr', OutputStream>;

  constructor(output: LogOutput, label: string | undefined, mask: LogMask) {
    this.#output = output;
    this.#label = label;
    this.#mask = mask;
    // masked before it is cut into lines: one that is too long may be cut in the middle of a secret
    const stream = () => ({ decoder: new StringDecoder('utf8'), mask: mask.stream(), lines: new Lines() });
    this.#streams = { stdout: stream(), stderr: stream() };
  }

  start(): void {
    if (this.#label !== undefined) this.#output.note(`Starting ${this.#label}\n`);
  }

  line(text: string): void {
    this.#write(this.#mask.text(text));
  }

  #write(text: string): void {
    this.#output.append(`${this.#label === undefined ? '' : `${this.#label}: `}${text}\n`);
  }

  stdout(chunk: Uint8Array | string): void {
    this.#take('stdout', chunk);
  }

  stderr(chunk: Uint8Array | string): void {
    this.#take('stderr', chunk);
  }

  /** Writes what has no newline yet, and the line that says the step is over. */
  finish(): void {
    for (const { decoder, mask, lines } of Object.values(this.#streams)) {
      for (const line of lines.take(mask.push(decoder.end()) + mask.end())) this.#write(line);
      const rest = lines.end();
      if (rest !== '') this.#write(rest);
    }
    if (this.#label !== undefined) this.#output.note(`Finished ${this.#label}\n`);
  }

  #take(name: 'stdout' | 'stderr', chunk: Uint8Array | string): void {
    if (this.#output.isFull) return;
    const { decoder, mask, lines } = this.#streams[name];
    const text =
      typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    for (const line of lines.take(mask.push(text))) this.#write(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
