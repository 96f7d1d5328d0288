/** What a trigger made of something that happened: kept, so that "why was nothing built?" has an answer. */
export interface TriggerEvent {
  /** Rising. */
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  project: string;
  location: string;
  trigger: string;
  triggerName: string;
  /** In words: `push to branch main (0a1b2c3)`. */
  event: string;
  outcome: 'built' | 'ignored' | 'failed';
  /** Why it was ignored, or what failed. */
  reason?: string | undefined;
  build?: string | undefined;
}

export interface TriggerEvents {
  note(event: Omit<TriggerEvent, 'id'>): Promise<void>;
  /** Newest first. */
  list(query: {
    project: string;
    /** Id of a trigger; absent: all of them. */
    trigger?: string | undefined;
    limit: number;
  }): Promise<TriggerEvent[]>;
  forget(before: number): Promise<void>;
}
