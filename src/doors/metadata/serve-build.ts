import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BridgeNetwork, BridgeService } from '../../containers/container.ts';
import type { NodeHandler } from '../http/door.ts';
import { type Gate, openGate } from './gate-handler.ts';
import { type MetadataParts, metadataHandler, servesMetadata } from './metadata-handler.ts';

export interface BuildDoorParts extends MetadataParts {
  /** The way to our registry and buckets; absent: there is none. */
  doors?:
    | {
        /** HOST:PORT of our HTTP doors. */
        address: string;
        /** What proves that we are those hosts, for those who trust the data folder's authority; absent: no TLS. */
        certificate?: { cert: string; key: string; names: readonly string[] } | undefined;
      }
    | undefined;
}

/** Where Compute Engine has its metadata server; on a build's network it is ours alone. */
const ADDRESS = '169.254.169.254';
const METADATA_NAMES = ['metadata.google.internal', 'metadata'];
/** By this name steps reach our buckets. */
export const GATE_NAME = 'slipway.internal';

/**
 * A hostile step shares this process with its own build alone. Still it should get an answer when another step floods: few
 * connections, short heads, and nobody who sends a byte now and then holds one.
 */
const LIMITS = {
  maxHeaderSize: 16 << 10,
  headersTimeout: 5_000,
  requestTimeout: 0,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const MOST_CONNECTIONS = 256;
const IDLE_MS = 10 * 60_000;

/**
 * What answers on the network of one build: its metadata server, and the way to our registry and buckets. It listens on the
 * bridge's own address, behind rules that let only that bridge in; other programs of this machine, which those rules don't
 * hold off, are refused by their address.
 */
export async function serveBuild(
  { services, internal }: BridgeNetwork,
  parts: BuildDoorParts,
): Promise<{ close(): Promise<void> }> {
  if (services === undefined) throw new Error('nothing can be offered on this network');
  const { gateway } = services;
  // without a way out containers have no route but to their own subnet
  const address = internal === true ? gateway : ADDRESS;
  const metadata = metadataHandler(parts);
  const gate = parts.doors === undefined ? undefined : openGate({ doors: parts.doors.address, token: parts.token });
  const servers: Server[] = [];
  const close = async () => {
    gate?.close();
    await Promise.all(servers.map(end));
  };
  try {
    const plain = createServer(LIMITS, (request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
      const handler = servesMetadata(path) ? metadata : (gate?.handler ?? nothing);
      handler(request, response);
    });
    servers.push(plain);
    const offered: BridgeService[] = [
      { address, port: 80, localPort: await listen(plain, gateway), names: namesOf(gate) },
    ];
    const certificate = parts.doors?.certificate;
    if (gate !== undefined && certificate !== undefined) {
      const { cert, key, names } = certificate;
      const secure = createTlsServer({ ...LIMITS, handshakeTimeout: LIMITS.headersTimeout, cert, key }, gate.handler);
      servers.push(secure);
      offered.push({ address, port: 443, localPort: await listen(secure, gateway), names });
    }
    await services.offer(offered);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

function namesOf(gate: Gate | undefined): string[] {
  return gate === undefined ? METADATA_NAMES : [...METADATA_NAMES, GATE_NAME];
}

const nothing: NodeHandler = (_request, response) => {
  response.writeHead(404, { 'metadata-flavor': 'Google', 'content-length': 0 });
  response.end();
};

async function listen(server: Server, gateway: string): Promise<number> {
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = IDLE_MS;
  const subnet = gateway.slice(0, gateway.lastIndexOf('.') + 1);
  server.on('connection', (socket) => {
    const from = socket.remoteAddress ?? '';
    if (!from.startsWith(subnet) || from === gateway) socket.destroy();
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, gateway, resolve);
  });
  server.removeAllListeners('error').on('error', () => undefined);
  return (server.address() as AddressInfo).port;
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
