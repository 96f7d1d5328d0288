import type { Socket } from 'node:net';

/** The address that a client has reached us at; an IPv4 address also where the listener is IPv6. */
export function localAddress(socket: Socket): string {
  return socket.localAddress?.replace(/^::ffff:/, '') ?? '';
}
