import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { NodeHandler } from '../http/door.ts';
import { IDLE_CONNECTION_MS, SERVER_LIMITS } from '../http/server-limits.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { localAddress } from './local-address.ts';
import { isListener, originForm } from './origin-form.ts';
import { servedHosts } from './served-hosts.ts';
import { TlsEnd } from './tls-end.ts';

/** Between two requests of one tunnel; longer than gcloud's slowest polling interval. */
const IDLE_MS = 120_000;

export interface ProxyDoorParts {
  authority: CertificateAuthority;
  /** The dispatcher of the plain port: what was decrypted goes the same way. `originOf` gives https and the Google name. */
  handler: NodeHandler;
  /** Whether slipway.yaml says that a registry host is ours. */
  isOwnRegistry(host: string): boolean;
  /** Names and addresses, with port, that clients reach us by besides the listener's own (slipway.yaml's publicUrl). */
  ownHosts?: readonly string[];
  /** Serves what speaks HTTP/2 alone, which is gRPC. The connection is its own from then on. */
  grpc(socket: TLSSocket): void;
}

export interface ProxyDoor {
  /** For the plain port's `connect` event. */
  connect(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** For a connection to the plain port that begins with TLS. */
  secure(socket: Socket): void;
  /** The plain port's handler, which takes `GET http://host/path` too. */
  plain: NodeHandler;
  /** Ends every tunnel; resolves when the last socket is closed. */
  close(): Promise<void>;
}

/**
 * A CONNECT proxy that leads nowhere: the few hosts that clients have hard-coded are we ourselves, TLS ends here with a
 * certificate of the data folder's authority, and everything else is refused. Rights are checked by the doors behind it.
 */
export function proxyDoor(parts: ProxyDoorParts): ProxyDoor {
  const serves = servedHosts(parts.isOwnRegistry);
  const ownHosts = parts.ownHosts ?? [];
  const ownNames = new Set(['localhost', ...ownHosts.map((host) => nameOf(host))]);
  const sockets = new Set<Duplex>();
  const tunnels = createServer({ keepAliveTimeout: IDLE_MS, ...SERVER_LIMITS }, parts.handler);
  tunnels.timeout = IDLE_CONNECTION_MS;
  const tlsEnd = new TlsEnd({
    authority: parts.authority,
    serves: (name) => serves(name) || ownNames.has(name),
    http: (socket) => tunnels.emit('secureConnection', socket),
    http2: parts.grpc,
  });

  const hold = (socket: Duplex): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };

  const connect = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    hold(socket);
    const target = (request.url ?? '').toLowerCase();
    const host = /^([a-z0-9.-]+):443$/.exec(target)?.[1];
    const isOurs = ownHosts.includes(target) || isListener(request, target);
    if (!isOurs && (host === undefined || !serves(host))) {
      // the socket may stay half open, and a client that never closes its half would keep it
      socket.end(refusal(request.url ?? ''), () => socket.destroy());
      return;
    }
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    tlsEnd.accept(socket, isOurs ? nameOf(target) : (host ?? ''));
  };

  const secure = (socket: Socket): void => {
    hold(socket);
    tlsEnd.accept(socket, localAddress(socket));
  };

  const close = async (): Promise<void> => {
    tunnels.closeAllConnections();
    await Promise.all(
      [...sockets].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.destroy();
          }),
      ),
    );
  };

  return { connect, secure, plain: originForm(parts.handler, serves, ownHosts), close };
}

/** Of `HOST:PORT`, without the brackets of an IPv6 address. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function refusal(target: string): string {
  const body = `${refusedText(target)}\n`;
  return [
    'HTTP/1.1 403 Forbidden',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function refusedText(target: string): string {
  const shown = target.replace(/[^\x21-\x7e]/g, '?').slice(0, 200);
  return `Slipway is no way to ${shown}: its proxy serves only the Google hosts that Slipway stands for.`;
}
