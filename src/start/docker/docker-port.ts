import { createServer, type Server } from 'node:https';
import { hostname, networkInterfaces } from 'node:os';
import type { TLSSocket } from 'node:tls';
import type { DockerClient } from '../../doors/docker/call.ts';
import { DOCKER_SERVER, type DockerDoor, serveDockerDoor } from '../../doors/docker/door.ts';
import { Problem } from '../../lib/problem.ts';
import { listenOn } from '../listen.ts';
import type { DockerAuthority } from './docker-authority.ts';
import type { DockerHouses } from './houses.ts';

/** For a client to show its certificate. Milliseconds. */
const HANDSHAKE_MS = 15_000;

/** Of silence, before the kernel asks whether the other machine is still there. Milliseconds. */
const ALIVE_MS = 30_000;

export interface DockerPort {
  /** HOST:PORT. */
  listen: string;
  /** Beside those of this machine. */
  names: readonly string[];
}

/**
 * The docker door for other machines, over TLS in which both sides show a certificate of the same authority. Nobody without
 * one gets as far as HTTP.
 * @throws Problem as `listenOn`
 */
export async function openDockerPort(
  { listen, names }: DockerPort,
  authority: DockerAuthority,
  houses: DockerHouses,
): Promise<{ server: Server; door: DockerDoor; port: number }> {
  const { ca, cert, key } = authority.server([...new Set([...ownNames(), ...names])]);
  const server = createServer({
    ...DOCKER_SERVER,
    ca,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    // a client that sends no more still hears
    allowHalfOpen: true,
    // one whose machine has gone without a word is found out
    keepAlive: true,
    keepAliveInitialDelay: ALIVE_MS,
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const door = serveDockerDoor(server, ({ socket }) => houses.open(clientOf(socket as TLSSocket)));
  const { port } = await listenOn(server, listen);
  return { server, door, port };
}

function clientOf(socket: TLSSocket): DockerClient {
  const { CN } = socket.getPeerCertificate().subject ?? {};
  if (!socket.authorized || typeof CN !== 'string' || CN === '')
    throw new Problem('denied', 'the certificate names no project');
  return { kind: 'client', scope: `docker:${CN}`, project: CN, actor: `docker client of ${CN}` };
}

/** What clients may call this machine. `docker` is what GitLab's jobs call the service that they build with. */
function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
  return ['localhost', 'docker', hostname(), ...addresses.filter((address) => !address.startsWith('fe80:'))];
}
