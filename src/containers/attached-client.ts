import type { Duplex } from 'node:stream';

/** One end of a hijacked connection. */
export interface AttachedClient {
  socket: Duplex;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** What the log has, before what is new. */
  replay: boolean;
  /** Goes on with what is new. */
  follow: boolean;
  /** docker's notation; `ctrl-p,ctrl-q` when absent. */
  detachKeys?: string | undefined;
}
