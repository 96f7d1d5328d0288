/** Until when each schedule has been looked after; it survives a restart. Milliseconds since 1970. */
export interface ScheduleTimes {
  get(trigger: string): Promise<number | undefined>;
  set(trigger: string, at: number): Promise<void>;
}
