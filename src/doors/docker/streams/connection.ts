import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { log } from '../../../lib/log.ts';
import { messageOf, Problem } from '../../../lib/problem.ts';

/** One request and the two ways to answer it: as HTTP, or by taking the connection over. */
export interface Connection {
  request: IncomingMessage;
  response: ServerResponse;
  socket: Duplex;
  readonly hijacked: boolean;
  /** As `DockerCall.hijack`. */
  hijack(as: HijackAnswer): Duplex;
  /** What went wrong after the connection was taken over: HTTP's ways to say so have gone. */
  failed(error: unknown): void;
  /** The handler has done all that it does. */
  end(): void;
}

export interface HijackAnswer {
  upgrade: string;
  contentType?: string | undefined;
}

/** Bodies of requests that ask for an upgrade are small JSON: that of `exec start`. */
const BODY_LIMIT = 1 << 20;
/** For such a body to arrive. Milliseconds. */
const BODY_MS = 60_000;
/** Between two looks whether a client is still there. Milliseconds. */
const LOOK_MS = 2_000;
/** After our end of a stream, for the client to close its own. Milliseconds. */
const LINGER_MS = 10_000;

/** A request that Node serves in its usual way. Taken over, both bodies become one raw stream, that of the answer unframed. */
export function plainConnection(request: IncomingMessage, response: ServerResponse): Connection {
  let taken: Duplex | undefined;
  return {
    request,
    response,
    socket: request.socket,
    get hijacked() {
      return taken !== undefined;
    },
    hijack({ contentType }) {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.writeHead(200, { ...(contentType === undefined ? {} : { 'Content-Type': contentType }) });
      response.flushHeaders();
      taken = duplexOf(request, response);
      return taken;
    },
    failed,
    end: () => taken?.end(),
  };
}

/**
 * A request that asked for another protocol: Node has let go of its socket. The body, if any, still lies in it.
 * @throws Problem `invalid` when its body is none that we can take, `cancelled` when it never comes
 */
export async function upgradedConnection(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Connection> {
  socket.on('error', () => socket.destroy());
  const { message, rest } = await withBody(request, socket, head);
  if (rest.length > 0) socket.unshift(rest);
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  const drained = () => response.emit('drain');
  socket.on('drain', drained);
  response.once('finish', () => {
    response.detachSocket(socket as Socket);
    close(socket);
  });
  let taken = false;
  return {
    request: message,
    response,
    socket,
    get hijacked() {
      return taken;
    },
    hijack({ upgrade, contentType }) {
      taken = true;
      socket.off('drain', drained);
      response.detachSocket(socket as Socket);
      const type = contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`;
      socket.write(`HTTP/1.1 101 UPGRADED\r\n${type}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`);
      // HTTP/2 takes the socket for itself, and notices its end
      if (upgrade === 'tcp') lookAfter(socket);
      return socket;
    },
    failed,
    end() {
      if (taken) close(socket);
    },
  };
}

function failed(error: unknown): void {
  const known = error instanceof Problem && error.code === 'cancelled';
  if (!known) log.warn({ error: messageOf(error) }, 'docker: a stream broke');
}

/**
 * A client that ends its half of a stream may still listen, and one that is gone looks the same. To write nothing tells them
 * apart on a unix socket: where nobody is left, the kernel refuses even that (EPIPE), and the socket is destroyed.
 */
function lookAfter(socket: Duplex): void {
  const timer = setInterval(() => {
    if (socket.writable && socket.writableLength === 0) socket.write(Buffer.alloc(0));
  }, LOOK_MS);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}

/** Ends our half; who doesn't end the other one in good time is cut off. */
function close(socket: Duplex): void {
  if (socket.destroyed) return;
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  // what still comes is read away, or its end would never be seen
  socket.resume();
}

/** The request with the body that its length announces, and the bytes after it. */
async function withBody(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<{ message: IncomingMessage; rest: Buffer }> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (request.headers['transfer-encoding'] !== undefined || !(length <= BODY_LIMIT))
    throw new Problem('invalid', 'a request that asks for an upgrade has a short body of a known length');
  if (length === 0) return { message: request, rest: head };
  const bytes = await atLeast(length, socket, head);
  // the one that Node made has ended already, without its body
  const message = new IncomingMessage(request.socket);
  message.method = request.method ?? 'GET';
  message.url = request.url ?? '/';
  message.httpVersion = request.httpVersion;
  message.httpVersionMajor = request.httpVersionMajor;
  message.httpVersionMinor = request.httpVersionMinor;
  message.headers = request.headers;
  message.rawHeaders = request.rawHeaders;
  message.push(bytes.subarray(0, length));
  message.push(null);
  message.complete = true;
  return { message, rest: bytes.subarray(length) };
}

/** The head and what is missing from it; what comes after that stays in the socket, which nobody has set flowing. */
function atLeast(length: number, socket: Duplex, head: Buffer): Promise<Buffer> {
  const missing = length - head.length;
  if (missing <= 0) return Promise.resolve(head);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(), BODY_MS);
    const done = () => {
      clearTimeout(timer);
      socket.off('readable', take).off('end', fail).off('close', fail);
    };
    const fail = () => {
      done();
      reject(new Problem('cancelled', 'the client went away before the end of its request'));
    };
    const take = () => {
      const bytes = socket.read(missing) as Buffer | null;
      if (bytes === null || bytes.length < missing) return;
      done();
      resolve(Buffer.concat([head, bytes]));
    };
    socket.on('readable', take).on('end', fail).on('close', fail);
  });
}

function duplexOf(request: IncomingMessage, response: ServerResponse): Duplex {
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => request.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      response.write(chunk, (error) => done(error));
    },
    final: (done) => {
      response.end(() => done());
    },
    destroy: (error, done) => {
      response.destroy();
      done(error);
    },
  });
  request.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) request.pause();
  });
  request.once('end', () => duplex.push(null));
  response.once('close', () => duplex.destroy());
  duplex.on('error', () => undefined);
  return duplex;
}
