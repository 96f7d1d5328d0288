import { createServer } from 'node:http';
import { DOCKER_SERVER, serveDockerDoor } from '../../doors/docker/door.ts';
import { closeServer } from '../listen.ts';
import { DockerAuthority } from './docker-authority.ts';
import { type DockerPort, openDockerPort } from './docker-port.ts';
import { listenOnDockerSocket } from './docker-socket.ts';
import { type DockerHouses, OWNER_CLIENT } from './houses.ts';

/** Where the door is opened. */
export interface DockerPlaces {
  /** Of the owner, on this machine. */
  socket: string;
  /** For other machines. */
  port?: (DockerPort & { authorityFolder: string }) | undefined;
}

/**
 * The docker door, open until the signal comes. Its containers are children of this process.
 * @param opened called when clients can connect
 */
export async function serveDocker(
  places: DockerPlaces,
  houses: DockerHouses,
  opened: (at: { port?: number | undefined }) => void,
  signal: AbortSignal,
): Promise<void> {
  const endings: (() => Promise<void>)[] = [() => houses.close()];
  try {
    const server = createServer(DOCKER_SERVER);
    const door = serveDockerDoor(server, () => houses.open(OWNER_CLIENT));
    endings.push(() => door.end());
    await houses.open(OWNER_CLIENT);
    await listenOnDockerSocket(server, places.socket, 0o600);
    endings.push(() => closeServer(server, 0));
    let port: number | undefined;
    if (places.port !== undefined) {
      const authority = await DockerAuthority.open(places.port.authorityFolder);
      const opened = await openDockerPort(places.port, authority, houses);
      endings.push(
        () => opened.door.end(),
        () => closeServer(opened.server, 0),
      );
      port = opened.port;
    }
    opened({ port });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    for (const end of endings.reverse()) await end();
  }
}
