import { connect, type Socket } from 'node:net';
import { hasErrorCode, Problem, problemFromJson } from '../../lib/problem.ts';
import { encodeFrame, type ReplyFrame, readFrames } from './frames.ts';

/** Of an object table, the methods that can be called from another process: those that give a promise. */
export type Remote<Objects> = {
  readonly [Name in keyof Objects]: {
    [Method in keyof Objects[Name] as Objects[Name][Method] extends (...args: never[]) => Promise<unknown>
      ? Method
      : never]: Objects[Name][Method];
  };
};

export interface RemoteObjects<Objects> {
  objects: Remote<Objects>;
  /** Given when the owner has gone or `close` was called; nothing works from then on. */
  closed: AbortSignal;
  close(): void;
}

/**
 * Connects to the owner of a data folder. `connectObjects<{ blobs: BlobRows; names: NameStore }>(path)` gives objects that
 * are used like the owner's own. Problems arrive as Problems, with place and hint.
 * @throws Problem `unavailable` when nobody answers; every call under way rejects with it when the owner goes
 */
export async function connectObjects<Objects>(path: string): Promise<RemoteObjects<Objects>> {
  const socket = await opened(path);
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  const closed = new AbortController();
  let calls = 0;

  readFrames<ReplyFrame>(socket, (frame) => {
    const call = pending.get(frame.id);
    pending.delete(frame.id);
    if ('problem' in frame) call?.reject(problemFromJson(frame.problem));
    else if ('bug' in frame) call?.reject(new Error(`in the owner of the data folder: ${frame.bug}`));
    else call?.resolve(frame.result);
  });
  socket.on('error', () => undefined); // 'close' follows
  socket.once('close', () => {
    closed.abort();
    for (const call of pending.values()) call.reject(gone(path));
    pending.clear();
  });

  const call = (object: string, method: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(gone(path));
      const id = ++calls;
      const text = encodeFrame({ id, object, method, args: { ...args } }); // what it throws, rejects
      pending.set(id, { resolve, reject });
      socket.write(text);
    });

  return { objects: tableOf(call) as Remote<Objects>, closed: closed.signal, close: () => socket.destroy() };
}

type Call = (object: string, method: string, args: unknown[]) => Promise<unknown>;

/** Neither the table nor an object may look like a promise (`then`), or `await` would call the owner. */
function tableOf(call: Call): object {
  return named((object) =>
    named(
      (method) =>
        (...args: unknown[]) =>
          call(object, method, args),
    ),
  );
}

/** An object whose every property is made from its name, once. */
function named(make: (name: string) => unknown): object {
  const made = new Map<string, unknown>();
  return new Proxy(Object.create(null), {
    get: (_target, name) => {
      if (typeof name === 'symbol' || name === 'then') return undefined;
      if (!made.has(name)) made.set(name, make(name));
      return made.get(name);
    },
  });
}

function opened(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      if (!hasErrorCode(error, 'ENOENT', 'ECONNREFUSED')) return reject(error);
      reject(
        new Problem('unavailable', `no server answers at ${path}`, {
          hint: 'Start it with `slipway serve`, or name its data folder with --data.',
          cause: error,
        }),
      );
    });
  });
}

function gone(path: string): Problem {
  return new Problem('unavailable', `the server at ${path} went away`, {
    hint: 'What it had acknowledged is kept. Start it again with `slipway serve`.',
  });
}
