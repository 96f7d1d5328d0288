/**
 * What came in and is to be worked on: written before it is acknowledged, so that a delivery survives a crash; remembered
 * after its end, so that one that is sent twice starts nothing twice.
 */
export interface NewDelivery {
  /** Deliveries of one source (a connection, a trigger) are worked on in their order. */
  source: string;
  /** By which the sender, or the body, tells a repetition. */
  key: string;
  /** Milliseconds for which a repetition of the key is one. */
  window: number;
  /** Milliseconds since 1970. */
  at: number;
  kind: 'gitlab' | 'webhook' | 'cron';
  /** JSON. */
  body: string;
}

export interface Delivery extends NewDelivery {
  id: number;
}

export interface TriggerInbox {
  /** Durable when it resolves. @returns undefined when it was there within its window */
  accept(delivery: NewDelivery): Promise<Delivery | undefined>;
  /** Accepted and not finished, oldest first. */
  pending(): Promise<Delivery[]>;
  /** Its body is dropped, its key stays. */
  finish(id: number): Promise<void>;
  /** Forgets finished ones of before this time. */
  forget(before: number): Promise<void>;
}
