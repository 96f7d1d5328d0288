import { type Clock, systemClock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { WebhookMessage } from '../../lib/webhook.ts';
import type { RegistryAction, RegistryEvent, RegistryEvents } from '../registry/events.ts';
import { parseRepositoryKey } from '../registry/name.ts';
import type { EventCursors } from './cursors.ts';

/** Somebody who wants to hear of events. */
export interface EventReceiver {
  /** By which its place is kept; the same after a restart. */
  name: string;
  actions: readonly RegistryAction[];
  wants(event: RegistryEvent): boolean;
  /** @throws whatever; the message is sent again later */
  send(message: WebhookMessage, signal: AbortSignal): Promise<void>;
}

export interface NotifierParts {
  events: Pick<RegistryEvents, 'events' | 'latestEvents'>;
  cursors: EventCursors;
  receivers: readonly EventReceiver[];
  clock?: Clock;
  /** Milliseconds between two looks at the events. */
  every?: number;
  /** Milliseconds before the second try; doubled each time, up to an hour. */
  delay?: number;
}

const PAGE = 100;
const LONGEST_DELAY_MS = 60 * 60 * 1000;
/** What is older than this is tried once more and then left out, so that a receiver that was away for weeks comes to what is new. */
const GIVE_UP_MS = 3 * 24 * 60 * 60 * 1000;

/**
 * Tells receivers of the registry's events, each of every one that it wants, in order, at least once: its place moves on
 * when it has answered. A new receiver begins with what happens from now on. One that is away holds up nobody else.
 */
export class EventNotifier {
  readonly #parts: NotifierParts;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#running = parts.receivers.map((receiver) => this.#follow(receiver));
  }

  /** Ends what is being sent; it will be sent again at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #follow(receiver: EventReceiver): Promise<void> {
    const { signal } = this.#stop;
    const { every = 1000 } = this.#parts;
    while (!signal.aborted) {
      try {
        // rows of our own process come without a turn of the event loop, which others wait for
        while (!signal.aborted && (await this.#step(receiver))) await new Promise(setImmediate);
      } catch (error) {
        log.error({ receiver: receiver.name, error: messageOf(error) }, 'events cannot be read; tried again');
      }
      await pause(every, signal);
    }
  }

  /** One page of events. @returns whether there may be more */
  async #step(receiver: EventReceiver): Promise<boolean> {
    const { events, cursors } = this.#parts;
    const after = await this.#placeOf(receiver.name);
    const page = await events.events({ after, limit: PAGE });
    // a place is written, and flushed to the disk, when something was sent and at the end of a page
    let place = after;
    for (const event of page) {
      if (receiver.actions.includes(event.action) && receiver.wants(event)) {
        if (!(await this.#send(receiver, event))) return false;
        place = event.id;
        await cursors.set(receiver.name, place);
      }
    }
    const last = page.at(-1)?.id ?? place;
    if (last !== place) await cursors.set(receiver.name, last);
    return page.length === PAGE;
  }

  async #placeOf(reader: string): Promise<number> {
    const { events, cursors } = this.#parts;
    const known = await cursors.get(reader);
    if (known !== undefined) return known;
    const latest = (await events.latestEvents({ limit: 1 }))[0]?.id ?? 0;
    await cursors.set(reader, latest);
    return latest;
  }

  /** @returns false when we are to end before it was taken */
  async #send(receiver: EventReceiver, event: RegistryEvent): Promise<boolean> {
    const { signal } = this.#stop;
    const first = this.#parts.delay ?? 1000;
    for (let attempt = 0; ; attempt++) {
      try {
        await receiver.send(messageOfEvent(event), signal);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        const about = { receiver: receiver.name, event: event.id, error: messageOf(error) };
        if (this.#clock.now() - event.at > GIVE_UP_MS) {
          log.error(about, 'an event of three days ago was not taken; the receiver goes on with the next');
          return true;
        }
        if (attempt === 0) log.warn(about, 'an event was not taken; it is sent again');
        await pause(Math.min(LONGEST_DELAY_MS, first * 2 ** Math.min(attempt, 16)), signal);
        if (signal.aborted) return false;
      }
    }
  }
}

function messageOfEvent({ id, at, action, ...event }: RegistryEvent): WebhookMessage {
  const segments = event.repository.split('/');
  const name = segments.length > 3 ? parseRepositoryKey(event.repository) : undefined;
  const [location, project, repository] = segments;
  const data = { location, project, image: name?.image, ...event, repository };
  return { id: `registry-${id}`, type: `registry.${action}`, at, data };
}
