import type { Clock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { Delivery, NewDelivery, TriggerInbox } from './inbox.ts';
import type { TriggerEvent } from './trigger-events.ts';

/** What became of a delivery, for whoever sent it. */
export type TriggerOutcome = Pick<TriggerEvent, 'outcome' | 'reason' | 'build'> & { trigger: string };

export type Receipt =
  /** Worked on while the sender waited. */
  | { state: 'done'; outcomes: TriggerOutcome[] }
  /** It will be. */
  | { state: 'accepted' }
  /** It was here before, and nothing is done again. */
  | { state: 'duplicate' };

export interface DeliveryQueueDeps {
  inbox: TriggerInbox;
  clock: Clock;
  /** Rejects only when it was ended from outside: then the delivery is worked on at the next start. */
  work(delivery: Delivery, signal: AbortSignal): Promise<TriggerOutcome[]>;
}

/** Deliveries at work at a time; each may run git. */
const AT_ONCE = 2;
/** More that wait are refused: their sender tries again. */
const MOST_WAITING = 1000;
/** And so much of their bodies, which are held in memory. Characters. */
const MOST_TEXT = 64 << 20;
/** GitLab gives up after 10 seconds, and then shows no answer. */
const PATIENCE_MS = 5_000;

/**
 * Takes deliveries in, durably, and has them worked on: those of one source in their order, those of others beside them.
 * What a crash interrupted is begun again; ids of builds are made from the delivery, so nothing is built twice.
 */
export class DeliveryQueue {
  readonly #deps: DeliveryQueueDeps;
  readonly #slots = new Semaphore(AT_ONCE);
  readonly #last = new Map<string, Promise<TriggerOutcome[]>>();
  readonly #stop = new AbortController();
  #waiting = 0;
  #text = 0;

  constructor(deps: DeliveryQueueDeps) {
    this.#deps = deps;
  }

  /** What the last owner of the data folder took in and did not end. */
  async resume(): Promise<void> {
    for (const delivery of await this.#deps.inbox.pending()) this.#line(delivery);
  }

  /**
   * Takes a delivery in and waits a while for what becomes of it. Durable when it resolves.
   * @throws Problem `exhausted` when too many wait
   */
  async accept(delivery: NewDelivery): Promise<Receipt> {
    const work = await this.take(delivery);
    if (work === undefined) return { state: 'duplicate' };
    const patience = new AbortController();
    const outcomes = await Promise.race([work.outcomes, pause(PATIENCE_MS, patience.signal)]);
    patience.abort();
    return outcomes === undefined ? { state: 'accepted' } : { state: 'done', outcomes };
  }

  /** As `accept`, for whoever doesn't wait. @returns undefined for a repetition */
  async take(delivery: NewDelivery): Promise<{ outcomes: Promise<TriggerOutcome[]> } | undefined> {
    if (this.#waiting >= MOST_WAITING || this.#text >= MOST_TEXT)
      throw new Problem('exhausted', 'too many deliveries wait to be worked on', {
        hint: 'Send it again in a minute.',
      });
    const accepted = await this.#deps.inbox.accept(delivery);
    return accepted && { outcomes: this.#line(accepted) };
  }

  /** Ends what is at work; it will be begun again. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#last.values());
  }

  #line(delivery: Delivery): Promise<TriggerOutcome[]> {
    const { source, body } = delivery;
    this.#waiting++;
    this.#text += body.length;
    const before = this.#last.get(source);
    const done: Promise<TriggerOutcome[]> = (before ?? Promise.resolve())
      .then(() => this.#slots.with(() => this.#work(delivery)))
      .finally(() => {
        this.#waiting--;
        this.#text -= body.length;
        if (this.#last.get(source) === done) this.#last.delete(source);
      });
    this.#last.set(source, done);
    return done;
  }

  async #work(delivery: Delivery): Promise<TriggerOutcome[]> {
    const { signal } = this.#stop;
    if (signal.aborted) return [];
    try {
      const outcomes = await this.#deps.work(delivery, signal);
      await this.#deps.inbox.finish(delivery.id);
      return outcomes;
    } catch (error) {
      if (signal.aborted) return [];
      log.error({ delivery: delivery.id, source: delivery.source, error: messageOf(error) }, 'a delivery failed');
      await this.#deps.inbox.finish(delivery.id).catch((failure: unknown) => {
        log.error({ delivery: delivery.id, error: messageOf(failure) }, 'it is worked on again at the next start');
      });
      return [];
    }
  }
}
