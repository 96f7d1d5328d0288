import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasErrorCode } from '../lib/problem.ts';

/**
 * A unix socket for one connection, by which the server's bytes reach standard output, or standard input reaches the
 * server, without being stored on the way. It lies in a folder that nobody else can open.
 * @param serve what is done with the connection; it ends when the connection does
 */
async function withSocket<T>(serve: (socket: Socket) => Promise<void>, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pipe-'));
  let served: Promise<void> = Promise.resolve();
  let connected: Socket | undefined;
  const server = createServer((socket) => {
    if (connected !== undefined) {
      socket.destroy();
      return;
    }
    connected = socket;
    served = serve(socket);
    served.catch(() => undefined); // met below
  });
  try {
    const path = join(folder, 'bytes.sock');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    const result = await use(path);
    await served;
    return result;
  } finally {
    connected?.destroy();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A reader that has gone (`| head`) ends the connection, and with it the work; that is no failure of ours. */
export async function intoStream<T>(sink: Writable, use: (path: string) => Promise<T>): Promise<T> {
  return await withSocket(async (socket) => {
    try {
      await pipeline(socket, sink, { end: false });
    } catch (error) {
      if (!hasErrorCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
    }
  }, use);
}

export async function outOfStream<T>(source: Readable, use: (path: string) => Promise<T>): Promise<T> {
  return await withSocket(async (socket) => {
    try {
      await pipeline(source, socket);
    } catch (error) {
      // the server has read what it needed, or says itself what is wrong
      if (!hasErrorCode(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
    }
  }, use);
}
