import { chmod, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { log } from '../lib/log.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';

/** Listens on HOST:PORT (port 0: any free one); gives the address that was taken. @throws Problem `conflict`, `denied`, `invalid` */
export async function listenOn(server: Server, listen: string): Promise<{ host: string; port: number }> {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen);
  if (match === null || Number(match[3]) > 65_535)
    throw new Problem('invalid', `--listen ${listen}: not HOST:PORT`, { hint: 'For example --listen 127.0.0.1:7070.' });
  const host = match[1] ?? match[2] ?? '';
  try {
    await opened(server, () => server.listen(Number(match[3]), host));
  } catch (error) {
    if (hasErrorCode(error, 'EADDRINUSE'))
      throw new Problem('conflict', `${listen} is taken by another process`, {
        hint: `See who has it with \`ss -ltnp 'sport = :${match[3]}'\`, or take another with --listen ${host}:PORT.`,
      });
    if (hasErrorCode(error, 'EACCES'))
      throw new Problem('denied', `${listen}: ports below 1024 need root`, {
        hint: 'Take a higher one with --listen HOST:PORT.',
      });
    if (hasErrorCode(error, 'EADDRNOTAVAIL', 'ENOTFOUND'))
      throw new Problem('invalid', `${listen}: this machine has no such address`, {
        hint: '127.0.0.1 is this machine alone, 0.0.0.0 every address that it has.',
      });
    throw error;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  return { host, port: address.port };
}

/** Listens on a unix socket that only its owner may open. The caller holds the folder, so an old socket is nobody's. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  await opened(server, () => server.listen(path));
  await chmod(path, 0o600);
}

/** Of each server that listens, all its connections: Node itself forgets those that became tunnels. */
const connections = new WeakMap<Server, Set<Socket>>();

/** Resolves when it listens. From then on its connections are known to `closeServer`. */
export function opened(server: Server, listen: () => void): Promise<void> {
  const sockets = new Set<Socket>();
  connections.set(server, sockets);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      // a connection that can't be accepted (no descriptor left) is that client's loss, and not the server's end
      server.on('error', (error) => log.error({ error: error.message }, 'a connection was not accepted'));
      resolve();
    });
    listen();
  });
}

/** Ends a server: no new connections, those that idle are closed now, the rest, tunnels too, after `graceMs`. */
export function closeServer(server: Server, graceMs = 2000): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const timer = setTimeout(() => {
      for (const socket of connections.get(server) ?? []) socket.destroy();
    }, graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
