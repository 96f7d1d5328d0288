import type { StartedContainer } from '../container.ts';
import type { ContainerLog } from '../logs/container-log.ts';
import { later } from './later.ts';

/** How a run ended. */
export interface RunEnd {
  code: number;
}

/** For waits, clients get so long to take the last of the output. Milliseconds. */
const DRAIN_TIME = 2000;

/**
 * One life of a container, from before its start to its end; there is always one that is going on or comes next, so that
 * whoever waits or attaches before a start misses nothing of it.
 */
export class Run {
  /** The process, once it runs; undefined when it could not be started. */
  readonly started: Promise<StartedContainer | undefined>;
  /** The record says how it ended. */
  readonly over: Promise<RunEnd>;
  /** As `over`, after attached clients had time to take the last bytes: what `docker wait` answers. */
  readonly told: Promise<RunEnd>;
  readonly #start: (process: StartedContainer | undefined) => void;
  readonly #end: (end: RunEnd) => void;
  readonly #tell: (end: RunEnd) => void;
  readonly #clients = new Set<Promise<unknown>>();
  #firstPosition: number | undefined;
  #lastPosition: number | undefined;

  constructor() {
    const [started, start] = later<StartedContainer | undefined>();
    const [over, end] = later<RunEnd>();
    const [told, tell] = later<RunEnd>();
    this.started = started;
    this.over = over;
    this.told = told;
    this.#start = start;
    this.#end = end;
    this.#tell = tell;
  }

  /** Whether something of it may be in the log. */
  get begun(): boolean {
    return this.#firstPosition !== undefined;
  }

  begin(log: ContainerLog): void {
    this.#firstPosition = log.end;
  }

  /** Where its output begins, or would now. */
  first(log: ContainerLog): number {
    return this.#firstPosition ?? log.end;
  }

  /** Where its output ends in the log, once it has. */
  get endsAt(): number | undefined {
    return this.#lastPosition;
  }

  runs(process: StartedContainer | undefined): void {
    this.#start(process);
  }

  /** Nothing more comes: clients end when they have it all. */
  outputEnded(log: ContainerLog): void {
    this.#lastPosition = log.end;
    log.wake();
  }

  end(end: RunEnd): void {
    this.#start(undefined);
    this.#end(end);
    const timer = setTimeout(() => this.#tell(end), DRAIN_TIME);
    void this.drained().then(() => {
      clearTimeout(timer);
      this.#tell(end);
    });
  }

  /** It could not begin: who waits for its end waits for that of the next one, as with docker. */
  giveWay(next: Run): void {
    this.#start(undefined);
    void next.over.then(this.#end);
    void next.told.then(this.#tell);
  }

  attached(client: Promise<unknown>): void {
    this.#clients.add(client);
    void client.catch(() => undefined).then(() => this.#clients.delete(client));
  }

  /** All clients have all the output, or have gone. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.#clients);
  }
}
