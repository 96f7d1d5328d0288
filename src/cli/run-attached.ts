import type { Duplex } from 'node:stream';
import { Problem } from '../lib/problem.ts';
import type { DockerClient } from './docker-client.ts';
import { DockerFrames } from './docker-frames.ts';

/** Where a container's streams end: the process, or a test. */
export interface AttachedStreams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** What is run, as `POST /containers/create` has it. */
export interface AttachedRequest {
  Image: string;
  Entrypoint: string[];
  Cmd: string[];
  User?: string;
}

/**
 * Runs a container to its end at this terminal, as `docker run --rm -it`: keys go in as they are typed, Ctrl-C among them,
 * and the size of the window follows. Where input or output is no terminal, bytes go through as they come. The container is
 * gone afterwards, also when this is cancelled.
 * @returns its exit code
 */
export async function runAttached(
  docker: DockerClient,
  request: AttachedRequest,
  streams: AttachedStreams,
  signal: AbortSignal,
): Promise<number> {
  const { stdin, stdout } = streams;
  const terminal = stdin.isTTY === true && stdout.isTTY === true;
  const all = { AttachStdin: true, AttachStdout: true, AttachStderr: true, OpenStdin: true, StdinOnce: true };
  const body = { ...request, ...all, Tty: terminal, HostConfig: { AutoRemove: true } };
  const { Id: id } = (await (await docker.send('POST', '/containers/create', body)).json()) as { Id: string };
  try {
    const socket = await docker.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    const ended = await docker.send('POST', `/containers/${id}/wait?condition=removed`);
    signal.throwIfAborted();
    const detach = attach(socket, streams, terminal);
    const cancel = () => socket.destroy();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await docker.send('POST', `/containers/${id}/start`);
      const unfollow = terminal ? followSize(docker, id, stdout) : () => undefined;
      try {
        await outputEnd(socket);
        signal.throwIfAborted();
        const { StatusCode: code } = (await ended.json()) as { StatusCode: number };
        return code;
      } finally {
        unfollow();
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      detach();
    }
  } catch (error) {
    await remove(docker, id);
    throw error;
  }
}

/** @returns what gives the terminal back */
function attach(socket: Duplex, { stdin, stdout, stderr }: AttachedStreams, terminal: boolean): () => void {
  const frames = new DockerFrames((stream, bytes) => void (stream === 'stdout' ? stdout : stderr).write(bytes));
  socket.on('data', (chunk: Buffer) => {
    if (terminal) stdout.write(chunk);
    else frames.take(chunk);
  });
  socket.on('error', () => undefined); // its end is told by 'close'
  if (terminal) stdin.setRawMode(true);
  stdin.pipe(socket);
  return () => {
    stdin.unpipe(socket);
    if (terminal) stdin.setRawMode(false);
    stdin.pause();
    socket.destroy();
  };
}

function outputEnd(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readableEnded || socket.destroyed) return resolve();
    socket.once('end', resolve).once('close', resolve);
  });
}

/** @returns ends it */
function followSize(docker: DockerClient, id: string, stdout: NodeJS.WriteStream): () => void {
  const tell = () => {
    // a size that is refused because the container has just ended is no news
    docker.send('POST', `/containers/${id}/resize?h=${stdout.rows}&w=${stdout.columns}`).catch(() => undefined);
  };
  tell();
  stdout.on('resize', tell);
  return () => stdout.removeListener('resize', tell);
}

/** Of a container that nobody waits for any more. */
async function remove(docker: DockerClient, id: string): Promise<void> {
  try {
    await docker.send('DELETE', `/containers/${id}?force=1`);
  } catch (error) {
    // it removes itself, and a server that is gone has none
    if (!(error instanceof Problem)) throw error;
  }
}
