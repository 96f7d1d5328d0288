import type { Http2Session } from 'node:http2';

/** Between two looks. A client that is stopped by its user for so long has to begin again. */
const EVERY_MS = 60_000;

/**
 * Looks now and then whether somebody answers at the other end, and calls `lost` when nobody did until the next look. Node's
 * HTTP/2 reads nothing more, and tells nobody, after bytes that are no frames, so the end of such a connection is not seen.
 * @returns ends the looking
 */
export function watchPeer(session: Http2Session, lost: () => void, everyMs = EVERY_MS): () => void {
  let unanswered = false;
  const timer = setInterval(() => {
    if (session.destroyed) return;
    if (unanswered) {
      lost();
      return;
    }
    unanswered = true;
    session.ping((error) => {
      if (error === null) unanswered = false;
    });
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
