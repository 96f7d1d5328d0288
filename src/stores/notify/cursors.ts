/** How far each reader of the registry's events has come; it survives a restart. */
export interface EventCursors {
  /** Id of the last event that the reader is done with; undefined before its first. */
  get(reader: string): Promise<number | undefined>;
  set(reader: string, event: number): Promise<void>;
}
