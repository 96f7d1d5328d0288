import type { BuildEvent } from '../../engine/events.ts';

/** BuildEvents in kaniko's manner: `INFO[0003] RUN make`, and what commands print as it comes. */
export class KanikoProgress {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #started: number;
  readonly #names = new Map<number, string>();

  constructor(write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
    this.#started = now();
  }

  info(text: string): void {
    this.#line('INFO', text);
  }

  warn(text: string): void {
    this.#line('WARN', text);
  }

  readonly listen = (event: BuildEvent): void => {
    if (event.kind === 'vertex') this.#begin(event.id, event.name);
    else if (event.kind === 'output') this.#write(event.text);
    else if (event.kind === 'warning') this.warn(event.message);
    else if (event.kind === 'end') this.#end(event.id, event.status);
  };

  #begin(id: number, name: string): void {
    // `[builder 2/4] RUN make`; what has no number is ours and not of the Dockerfile
    const instruction = /^\[[^\]]*\d+\/\d+\] (.*)$/s.exec(name)?.[1];
    if (instruction === undefined) return;
    this.#names.set(id, instruction);
    if (/^FROM /i.test(instruction)) this.info(`Retrieving image manifest ${instruction.slice(5)}`);
    else this.info(instruction);
  }

  #end(id: number, status: string): void {
    const instruction = this.#names.get(id);
    if (instruction === undefined || /^FROM /i.test(instruction)) return;
    if (status === 'cached') this.info(`Using caching version of cmd: ${instruction}`);
    else if (status === 'done')
      this.info(`Taking snapshot of ${/^RUN/i.test(instruction) ? 'full filesystem' : 'files'}...`);
  }

  #line(level: 'INFO' | 'WARN', text: string): void {
    const seconds = Math.floor((this.#now() - this.#started) / 1000);
    this.#write(`${level}[${String(seconds).padStart(4, '0')}] ${text}\n`);
  }
}
