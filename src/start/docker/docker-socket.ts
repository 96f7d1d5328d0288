import { chmod, lstat, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createConnection } from 'node:net';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { opened } from '../listen.ts';

/** sockaddr_un holds 108 bytes, the closing zero included (unix(7)). */
const LONGEST_PATH = 107;

/**
 * Listens on a unix socket. What a dead server left there is removed; what answers, or is no socket, stays.
 * @throws Problem `conflict`, `invalid`, `denied`
 */
export async function listenOnDockerSocket(server: Server, path: string, mode: number): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_PATH)
    throw new Problem('invalid', `${path}: the path of a unix socket has ${LONGEST_PATH} bytes at most`);
  await removeStale(path);
  try {
    await opened(server, () => server.listen(path));
    await chmod(path, mode);
  } catch (error) {
    if (!hasErrorCode(error, 'EACCES', 'ENOENT', 'ENOTDIR', 'EROFS')) throw error;
    throw new Problem('denied', `${path}: no socket can be made there`, {
      hint: 'The folder has to exist, and to be writable. Choose another with --docker-socket PATH.',
      cause: error,
    });
  }
}

/**
 * Removes a socket that nobody listens on any more.
 * @throws Problem `conflict` when somebody does, or it is no socket
 */
export async function removeStale(path: string): Promise<void> {
  const hint = 'Remove it, or choose another with --docker-socket PATH.';
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Problem('conflict', `${path} exists and is no socket`, { hint });
  if (await answers(path)) throw new Problem('conflict', `another program listens on ${path}`, { hint });
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const say = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => say(true));
    socket.once('error', (error) => say(!hasErrorCode(error, 'ECONNREFUSED', 'ENOENT')));
  });
}
