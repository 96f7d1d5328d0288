import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DOCKER_SERVER, serveDockerDoor } from '../../doors/docker/door.ts';
import type { Caller } from '../../engine/engine.ts';
import { closeServer } from '../listen.ts';
import { listenOnDockerSocket } from './docker-socket.ts';
import { type HouseParts, openHouse } from './house.ts';

const SOCKET = 'docker.sock';

/**
 * The docker socket of one build: its images, containers of its own, in its own process. Everything goes with it.
 * @param folder of the build; the socket and the containers are below it
 */
export async function serveBuildDocker(
  { scope, project, actor }: Caller,
  folder: string,
  { lent = new Map(), ...parts }: HouseParts,
): Promise<{ path: string; close(): Promise<void> }> {
  const root = join(folder, 'docker');
  await mkdir(root, { recursive: true, mode: 0o700 });
  const opened = await openHouse({ kind: 'build', scope, project, actor }, root, {
    ...parts,
    // who runs docker in a container of a step's hands it this very socket
    lent: new Map([...lent, ['/var/run/docker.sock', join(root, SOCKET)]]),
  });
  const server = createServer(DOCKER_SERVER);
  const door = serveDockerDoor(server, () => opened.house);
  let handle: FileHandle | undefined;
  try {
    handle = await open(root);
    // the path below a build's folder may be longer than sockets allow; its folder's descriptor never is.
    // Steps run as whatever user their image names, and nobody else comes near: hence everybody's
    await listenOnDockerSocket(server, `/proc/self/fd/${handle.fd}/${SOCKET}`, 0o666);
  } catch (error) {
    await handle?.close();
    await opened.close({ drop: true });
    throw error;
  }
  return {
    path: join(root, SOCKET),
    async close() {
      await closeServer(server, 0);
      await door.end();
      await handle?.close();
      await opened.close({ drop: true });
    },
  };
}
