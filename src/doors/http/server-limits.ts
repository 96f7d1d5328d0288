/**
 * How long the HTTP servers of the doors wait for a client. All three have to be said: Node ends the wait for headers
 * together with the whole request's when that is switched off, and then a connection that sends a byte a minute stays for
 * ever (slowloris).
 */
export const SERVER_LIMITS = {
  /** Milliseconds from a connection's first byte, or the end of the request before, to the end of the headers. */
  headersTimeout: 60_000,
  /** The whole of a request may take hours: a large layer over a slow line. */
  requestTimeout: 0,
} as const;

/** A connection on which nothing moved in either direction for so long is given up: its client has gone without a word. */
export const IDLE_CONNECTION_MS = 10 * 60_000;
