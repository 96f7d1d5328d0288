import type { Http2Session, Settings } from 'node:http2';

/**
 * How much may be on its way before the other end has to wait for us. HTTP/2 begins with 64 KiB, which halves what a context
 * of many megabytes needs on a socket of this machine.
 */
const STREAM_WINDOW = 4 << 20;
const SESSION_WINDOW = 32 << 20;

export const WIDE_SETTINGS: Settings = { initialWindowSize: STREAM_WINDOW, maxFrameSize: 1 << 20, enablePush: false };

/** To be called once the session is connected. */
export function widen(session: Http2Session): void {
  session.setLocalWindowSize(SESSION_WINDOW);
}
