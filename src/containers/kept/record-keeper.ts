import type { Clock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { ContainerEvent } from '../container-event.ts';
import type { ContainerRecord, ContainerState } from '../container-record.ts';
import { startsWithServer } from '../life/restart-policy.ts';
import type { ContainerFolder, KeptState } from './container-folder.ts';

/** What a container that somebody else ended is said to have ended with: 128 + SIGKILL. */
export const KILLED = 137;

/** The record of a container: what is told of it is on the disk before. */
export class RecordKeeper {
  readonly #folder: ContainerFolder;
  readonly #onEvent: (event: ContainerEvent) => void;
  #record: ContainerRecord;
  #writing: Promise<unknown> = Promise.resolve();
  /** Somebody stopped or killed it; written with the next change. */
  stoppedByHand: boolean;

  constructor(folder: ContainerFolder, { record, stoppedByHand }: KeptState, onEvent: (event: ContainerEvent) => void) {
    this.#folder = folder;
    this.#record = record;
    this.stoppedByHand = stoppedByHand;
    this.#onEvent = onEvent;
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  get state(): ContainerState {
    return this.#record.state;
  }

  async save(change: Partial<ContainerRecord>): Promise<void> {
    await this.#write(() => ({ ...this.#record, ...change }));
  }

  async become(state: Partial<ContainerState>, change: Partial<ContainerRecord> = {}): Promise<void> {
    await this.#write(() => changed(this.#record, state, change));
  }

  /** One after the other, each with all that came before. */
  async #write(next: () => ContainerRecord): Promise<void> {
    const writing = this.#writing.then(async () => {
      const record = next();
      await this.#folder.save({ record, stoppedByHand: this.stoppedByHand });
      this.#record = record;
    });
    this.#writing = writing.catch(() => undefined);
    await writing;
  }

  /** What has come to pass whether it can be written down or not: an end. */
  async becomeAtLeastHere(state: Partial<ContainerState>, change: Partial<ContainerRecord> = {}): Promise<void> {
    try {
      await this.become(state, change);
    } catch (error) {
      log.error(
        { container: this.#record.id, error: messageOf(error) },
        'the end of a container could not be recorded',
      );
      this.#record = changed(this.#record, state, change);
    }
  }

  /** Without the disk: for what a restart undoes. */
  show(state: Partial<ContainerState>): void {
    this.#record = changed(this.#record, state, {});
  }

  /** What ran when the record was last written does so no more. @returns what is to become of it */
  async reopen(clock: Clock): Promise<'start' | 'remove' | 'rest'> {
    const { request } = this.#record;
    const { status } = this.state;
    const ran = status === 'running' || status === 'paused' || status === 'restarting';
    if (request.autoRemove && (ran || status === 'exited')) return 'remove';
    if (ran) await this.become({ status: 'exited', exitCode: KILLED, pid: 0, finishedAt: clock.now() });
    const { exitCode, restarts, startedAt } = this.state;
    const ended = { exitCode, stoppedByHand: this.stoppedByHand, restarts };
    return startedAt > 0 && startsWithServer(request.restart, ended) ? 'start' : 'rest';
  }

  tell(action: string, attributes: Record<string, string> = {}): void {
    const { request, name, id } = this.#record;
    const shown = { ...request.labels, image: request.image, name, ...attributes };
    this.#onEvent({ type: 'container', action, id, attributes: shown });
  }
}

function changed(
  record: ContainerRecord,
  state: Partial<ContainerState>,
  change: Partial<ContainerRecord>,
): ContainerRecord {
  return { ...record, ...change, state: { ...record.state, ...state } };
}
