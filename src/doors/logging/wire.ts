/** JSON of Cloud Logging's API (v2), as far as a build's log needs it. */
export interface WireLogEntry {
  logName: string;
  resource: { type: string; labels: Record<string, string> };
  textPayload: string;
  timestamp: string;
  receiveTimestamp: string;
  severity: string;
  insertId: string;
  labels: Record<string, string>;
}

export interface WireLogEntryList {
  /** Left out when there is none, as Google leaves out empty lists. */
  entries?: WireLogEntry[];
  nextPageToken?: string;
}
