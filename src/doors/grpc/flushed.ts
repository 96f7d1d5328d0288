import type { Duplex } from 'node:stream';

/**
 * Resolves when everything that was written before is on its way. Node's HTTP/2 takes the handle of a socket over, and its
 * process dies of an assertion when the end of somebody else's write is reported to it: over TLS that comes a turn later.
 */
export async function flushed(socket: Duplex): Promise<void> {
  if (socket.destroyed || !socket.writable) return;
  await new Promise<void>((resolve) => {
    socket.once('close', resolve);
    socket.write('', () => {
      socket.off('close', resolve);
      resolve();
    });
  });
}
