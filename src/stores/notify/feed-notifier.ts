import { type Clock, systemClock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { EventCursors } from './cursors.ts';

/** Something that happened, by its place in the order of what happened. */
interface FeedEvent {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
}

/** Events as they are kept. */
export interface EventFeed<E extends FeedEvent> {
  /** The next ones, in order. */
  after(id: number, limit: number): Promise<E[]>;
  /** Id of the last that happened; 0 before the first. */
  latest(): Promise<number>;
  /** All receivers are done with events up to this one. */
  passed?(id: number): Promise<void>;
}

/** Somebody who wants to hear of events. */
export interface FeedReceiver<E extends FeedEvent> {
  /** By which its place is kept; the same after a restart. */
  name: string;
  wants(event: E): boolean;
  /** @throws whatever; the event is sent again later */
  send(event: E, signal: AbortSignal): Promise<void>;
}

export interface FeedParts<E extends FeedEvent> {
  feed: EventFeed<E>;
  cursors: EventCursors;
  receivers: readonly FeedReceiver<E>[];
  clock?: Clock | undefined;
  /** Milliseconds between two looks at the events. */
  every?: number | undefined;
  /** Milliseconds before the second try; doubled each time, up to an hour. */
  delay?: number | undefined;
}

const PAGE = 100;
const LONGEST_DELAY_MS = 60 * 60 * 1000;
/** What is older than this is tried once more and then left out, so that a receiver that was away for weeks comes to what is new. */
const GIVE_UP_MS = 3 * 24 * 60 * 60 * 1000;

/**
 * Tells receivers of events, each of every one that it wants, in order, at least once: its place moves on when it has
 * answered. A new receiver begins with what happens from now on. One that is away holds up nobody else.
 */
export class FeedNotifier<E extends FeedEvent> {
  readonly #parts: FeedParts<E>;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #places = new Map<string, number>();
  readonly #running: Promise<void>[];

  constructor(parts: FeedParts<E>) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#running = parts.receivers.map((receiver) => this.#follow(receiver));
  }

  /** Ends what is being sent; it will be sent again at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #follow(receiver: FeedReceiver<E>): Promise<void> {
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
  async #step(receiver: FeedReceiver<E>): Promise<boolean> {
    const { feed } = this.#parts;
    const after = await this.#placeOf(receiver.name);
    const page = await feed.after(after, PAGE);
    // a place is written, and flushed to the disk, when something was sent and at the end of a page
    let place = after;
    for (const event of page) {
      if (receiver.wants(event)) {
        if (!(await this.#send(receiver, event))) return false;
        place = event.id;
        await this.#moved(receiver.name, place);
      }
    }
    const last = page.at(-1)?.id ?? place;
    if (last !== place) await this.#moved(receiver.name, last);
    if (page.length > 0) await this.#passed();
    return page.length === PAGE;
  }

  async #placeOf(reader: string): Promise<number> {
    const known = this.#places.get(reader) ?? (await this.#parts.cursors.get(reader));
    if (known === undefined) {
      const latest = await this.#parts.feed.latest();
      await this.#moved(reader, latest);
      return latest;
    }
    this.#places.set(reader, known);
    return known;
  }

  async #moved(reader: string, place: number): Promise<void> {
    await this.#parts.cursors.set(reader, place);
    this.#places.set(reader, place);
  }

  /** Known once every receiver has looked for its place. */
  async #passed(): Promise<void> {
    const { feed, receivers } = this.#parts;
    if (feed.passed !== undefined && this.#places.size === receivers.length)
      await feed.passed(Math.min(...this.#places.values()));
  }

  /** @returns false when we are to end before it was taken */
  async #send(receiver: FeedReceiver<E>, event: E): Promise<boolean> {
    const { signal } = this.#stop;
    const first = this.#parts.delay ?? 1000;
    for (let attempt = 0; ; attempt++) {
      try {
        await receiver.send(event, signal);
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
