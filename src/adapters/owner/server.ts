import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, problemToJson } from '../../lib/problem.ts';
import { type CallFrame, encodeFrame, type ReplyFrame, readFrames } from './frames.ts';

/** One client process. */
export interface Connection {
  /** Unique for the server's lifetime. */
  id: number;
  /** Given when the process has gone, however it went. */
  closed: AbortSignal;
}

export interface ServeOptions {
  /**
   * The objects that a client may call, by name; all methods are async, with arguments and results of plain JSON data.
   * Asked once per connection, so that what belongs to a process (its flights) can end with it.
   */
  objects: (connection: Connection) => Record<string, object>;
  /** Called once for every connection that ended. */
  onClose?: (id: number) => void;
}

export interface ObjectServer {
  /** Disconnects everybody and removes the socket. */
  close(): Promise<void>;
}

/** While this much waits to be read by a slow client, none of its further calls are read. */
const UNREAD_BYTES = 1 << 20;

/**
 * Answers the calls of the other processes of this machine on a unix socket that only the same user may open. Calls run
 * side by side; a client gets its replies in the order in which they are ready.
 *
 * The caller holds the data folder's lock, so a socket file that is already there belongs to nobody.
 */
export async function serveObjects(path: string, options: ServeOptions): Promise<ObjectServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    const id = ++connections;
    const closed = new AbortController();
    sockets.add(socket);
    socket.on('error', (error) =>
      log.warn({ connection: id, error: error.message }, 'rows socket: client disconnected'),
    );
    socket.once('close', () => {
      sockets.delete(socket);
      closed.abort();
      options.onClose?.(id);
    });
    answerCalls(socket, options.objects({ id, closed: closed.signal }));
  });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answerCalls(socket: Socket, objects: Record<string, object>): void {
  readFrames<CallFrame>(socket, (call) => {
    void reply(objects, call).then((text) => {
      if (socket.destroyed) return;
      socket.write(text);
      if (socket.writableLength > UNREAD_BYTES) socket.pause();
    });
  });
  socket.on('drain', () => socket.resume());
}

/** Never rejects: what goes wrong is the reply. */
async function reply(objects: Record<string, object>, call: CallFrame): Promise<string> {
  try {
    return encodeFrame({ id: call.id, result: await perform(objects, call) });
  } catch (error) {
    if (error instanceof Problem) return encodeFrame({ id: call.id, problem: problemToJson(error) });
    log.error({ err: error, object: call.object, method: call.method }, 'a call over the rows socket failed');
    const frame: ReplyFrame = { id: call.id, bug: `${call.object}.${call.method}: ${messageOf(error)}` };
    return encodeFrame(frame);
  }
}

async function perform(objects: Record<string, object>, { object, method, args }: CallFrame): Promise<unknown> {
  const target = Object.hasOwn(objects, object) ? objects[object] : undefined;
  const found: unknown = method in Object.prototype ? undefined : (target as Record<string, unknown>)?.[method];
  if (typeof found !== 'function') throw new Error('no such method; are both processes of the same version?');
  return found.apply(target, Object.assign([], args));
}
