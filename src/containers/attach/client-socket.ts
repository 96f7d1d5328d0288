import type { Duplex } from 'node:stream';

/**
 * Writes to a client, at its pace.
 * @param end calls off the wait for a slow one
 * @returns false when it has gone, or was called off
 */
export function writeToClient(socket: Duplex, bytes: Buffer, end: AbortSignal): Promise<boolean> {
  if (socket.destroyed || socket.writableEnded || end.aborted) return Promise.resolve(false);
  if (socket.write(bytes)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      end.removeEventListener('abort', done);
      resolve(!socket.destroyed && !end.aborted);
    };
    socket.on('drain', done).on('close', done);
    end.addEventListener('abort', done, { once: true });
  });
}

export interface ClientInput {
  /** More is read when it settles. */
  onChunk: (chunk: Buffer) => Promise<void>;
  /** The client closed its end, the other half may go on. Not called when the connection broke. */
  onEnd: () => void;
}

/**
 * Reads what a client sends. Not by an async iterator, which at its end destroys the whole connection.
 * @returns stops the reading; what comes later is thrown away, so that the end of the connection is still noticed
 */
export function readFromClient(socket: Duplex, { onChunk, onEnd }: ClientInput): () => void {
  let stopped = false;
  const onData = (chunk: Buffer) => {
    socket.pause();
    void onChunk(chunk)
      .catch(() => undefined) // the process has ended: nobody reads it
      .then(() => {
        if (!stopped) socket.resume();
      });
  };
  const ended = () => {
    if (!stopped) onEnd();
  };
  socket.on('data', onData).once('end', ended);
  if (socket.readableEnded) queueMicrotask(ended);
  else socket.resume();
  return () => {
    stopped = true;
    socket.off('data', onData).off('end', ended);
    socket.resume();
  };
}

/** Aborted when the connection is gone, or when `signal` is. */
export function untilGone(socket: Duplex, signal: AbortSignal): { gone: AbortSignal; forget: () => void } {
  const end = new AbortController();
  const abort = () => end.abort();
  socket.once('close', abort).once('error', abort);
  signal.addEventListener('abort', abort, { once: true });
  if (socket.destroyed || signal.aborted) abort();
  return {
    gone: end.signal,
    forget: () => {
      socket.off('close', abort);
      signal.removeEventListener('abort', abort);
    },
  };
}
