import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How a TLS record begins that carries a handshake (RFC 8446, 5.1). No method of HTTP does. */
const HANDSHAKE = 0x16;

/**
 * Lets a plain server's port take TLS too: the first byte of a connection tells which it is. A connection that says nothing is
 * given up as the server would give it up that waits for headers.
 */
export function splitTls(server: Server, tls: (socket: Socket) => void): void {
  const plain = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const gone = () => socket.destroy();
    const timer = setTimeout(gone, server.headersTimeout);
    const look = () => {
      const first: Buffer | null = socket.read(1);
      if (first === null) return;
      clearTimeout(timer);
      socket.off('readable', look).off('error', gone).off('end', gone);
      socket.unshift(first);
      if (first[0] === HANDSHAKE) tls(socket);
      else for (const listener of plain) listener.call(server, socket);
    };
    socket.once('close', () => clearTimeout(timer));
    socket.on('error', gone).on('end', gone).on('readable', look);
  });
}
