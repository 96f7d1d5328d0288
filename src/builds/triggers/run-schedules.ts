import type { Clock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import { nextTime } from './schedule-times.ts';
import type { ScheduleTimes } from './schedules.ts';
import { sourceOfTrigger, type TriggerRecord, type TriggerStore } from './triggers.ts';

export interface ScheduleDeps {
  triggers: Pick<TriggerStore, 'scheduled'>;
  times: ScheduleTimes;
  queue: Pick<DeliveryQueue, 'take'>;
  clock: Clock;
}

/** A clock that was set, or a machine that slept, is noticed within this time. Milliseconds. */
const LONGEST_SLEEP_MS = 30_000;
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Starts the builds of triggers with a schedule. Times that passed while nobody was there are made up for by one build,
 * however many they were (decision 0030): a nightly build that is a few hours late is worth more than none.
 */
export class TriggerSchedules {
  readonly #deps: ScheduleDeps;
  /** By trigger: computing a time again and again costs more than the rest of a look. */
  readonly #next = new Map<string, { of: string; at: number }>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(deps: ScheduleDeps) {
    this.#deps = deps;
    this.look();
  }

  /** Something changed, or may be due. */
  look(): void {
    clearTimeout(this.#timer);
    this.#looking = this.#looking.then(() => this.#look());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    let wake: number | undefined;
    try {
      for (const record of await this.#deps.triggers.scheduled()) {
        const at = await this.#due(record).catch((error: unknown) => {
          // one project's trigger holds up no other's
          log.error({ trigger: record.trigger.id, error: messageOf(error) }, 'a schedule fails; tried again');
          return this.#deps.clock.now() + LONGEST_SLEEP_MS;
        });
        if (at !== undefined) wake = Math.min(wake ?? at, at);
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, 'schedules of triggers cannot be looked at; tried again');
      wake = 0;
    }
    clearTimeout(this.#timer);
    if (this.#closed || wake === undefined) return;
    const sleep = Math.min(LONGEST_SLEEP_MS, Math.max(1000, wake - this.#deps.clock.now()));
    this.#timer = setTimeout(() => this.look(), sleep);
    this.#timer.unref();
  }

  /** Starts what is due. @returns when it is the next time */
  async #due(record: TriggerRecord): Promise<number | undefined> {
    const { times, clock } = this.#deps;
    const { trigger } = record;
    if (trigger.cron === undefined || trigger.disabled) return undefined;
    const now = clock.now();
    const last = await times.get(trigger.id);
    if (last === undefined) await times.set(trigger.id, now);
    const next = this.#nextOf(record, last ?? now);
    if (next > now) return next;
    await this.#accept(record, next, now);
    await times.set(trigger.id, now);
    return this.#nextOf(record, now);
  }

  async #accept(record: TriggerRecord, at: number, now: number): Promise<void> {
    const body = JSON.stringify({ at });
    const delivery = {
      source: sourceOfTrigger(record),
      key: `cron ${at}`,
      window: WEEK_MS,
      at: now,
      kind: 'cron',
      body,
    } as const;
    // what comes of it is noted; nobody waits for the answer
    await this.#deps.queue.take(delivery);
  }

  #nextOf({ trigger }: TriggerRecord, from: number): number {
    const of = JSON.stringify([trigger.cron, from]);
    const known = this.#next.get(trigger.id);
    if (known?.of === of) return known.at;
    const at = nextTime(trigger.cron ?? { schedule: '' }, from);
    this.#next.set(trigger.id, { of, at });
    return at;
  }
}
