import type { Clock } from '../../lib/clock.ts';
import type { WebhookMessage } from '../../lib/webhook.ts';
import type { RegistryAction, RegistryEvent, RegistryEvents } from '../registry/events.ts';
import { parseRepositoryKey } from '../registry/name.ts';
import type { EventCursors } from './cursors.ts';
import { FeedNotifier } from './feed-notifier.ts';

/** Somebody who wants to hear of the registry's events. */
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

/** Tells receivers of what happens in the registry (feed-notifier.ts). */
export class EventNotifier {
  readonly #notifier: FeedNotifier<RegistryEvent>;

  constructor({ events, receivers, ...parts }: NotifierParts) {
    this.#notifier = new FeedNotifier({
      ...parts,
      feed: {
        after: (after, limit) => events.events({ after, limit }),
        latest: async () => (await events.latestEvents({ limit: 1 }))[0]?.id ?? 0,
      },
      receivers: receivers.map(({ name, actions, wants, send }) => ({
        name,
        wants: (event) => actions.includes(event.action) && wants(event),
        send: (event, signal) => send(messageOfEvent(event), signal),
      })),
    });
  }

  /** Ends what is being sent; it will be sent again at the next start. */
  close(): Promise<void> {
    return this.#notifier.close();
  }
}

function messageOfEvent({ id, at, action, ...event }: RegistryEvent): WebhookMessage {
  const segments = event.repository.split('/');
  const name = segments.length > 3 ? parseRepositoryKey(event.repository) : undefined;
  const [location, project, repository] = segments;
  const data = { location, project, image: name?.image, ...event, repository };
  return { id: `registry-${id}`, type: `registry.${action}`, at, data };
}
