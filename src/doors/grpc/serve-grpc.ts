import { type IncomingHttpHeaders, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { received, send } from './call-messages.ts';
import { flushed } from './flushed.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcCall, GrpcServices } from './grpc-services.ts';
import { WIDE_SETTINGS, widen } from './http2-windows.ts';
import { trailersOf } from './trailers.ts';
import { watchPeer } from './watch-peer.ts';

export interface ServeGrpcOptions {
  /** What the client is told of something that was thrown. What it leaves alone is a mistake of ours. */
  describe?: ((error: unknown) => GrpcError | undefined) | undefined;
  /** Ends the connection. */
  signal?: AbortSignal | undefined;
  /** Milliseconds after which a client that has gone without a word is found out. */
  aliveMs?: number | undefined;
}

/** Serves gRPC at our end of a connection. Resolves when it is closed, and every call on it has come to its end. */
export async function serveGrpc(socket: Duplex, services: GrpcServices, options: ServeGrpcOptions = {}): Promise<void> {
  await flushed(socket);
  const calls = new Set<Promise<void>>();
  if (!socket.destroyed)
    await served(socket, options, (stream, headers) => {
      const call = answer(stream, headers, services, options).finally(() => calls.delete(call));
      calls.add(call);
    });
  await Promise.all(calls);
}

/** Resolves when the connection is closed. */
async function served(
  socket: Duplex,
  { signal, aliveMs }: ServeGrpcOptions,
  take: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = () => socket.destroy();
    socket.once('end', stop); // HTTP/2 has no half-closed connections, though the sockets of the door may be
    socket.once('close', () => {
      signal?.removeEventListener('abort', stop);
      endWatch();
      resolve();
    });
    signal?.addEventListener('abort', stop);
    // and not a server's 'connection', which asks of TLS that it has agreed on HTTP/2
    const session = performServerHandshake(socket, { settings: WIDE_SETTINGS });
    widen(session);
    session.on('error', stop).on('close', stop).on('stream', take);
    const endWatch = watchPeer(session, stop, aliveMs);
    if (signal?.aborted === true) stop();
  });
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  services: GrpcServices,
  { describe }: ServeGrpcOptions,
): Promise<void> {
  const gone = new AbortController();
  const timer = deadlineOf(headers, () => gone.abort(new GrpcError('deadline-exceeded', 'not done in time')));
  stream.on('error', () => {}); // 'close' follows
  stream.once('close', () => gone.abort(new GrpcError('cancelled', 'the client has ended the call')));
  let failed: GrpcError | undefined;
  try {
    await run(stream, headers, services, gone.signal);
  } catch (error) {
    failed = gone.signal.reason instanceof GrpcError ? gone.signal.reason : described(error, describe);
  } finally {
    clearTimeout(timer);
  }
  end(stream, failed);
}

async function run(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  services: GrpcServices,
  signal: AbortSignal,
): Promise<void> {
  const method = services.find(headers[':path'] ?? '');
  const call: GrpcCall = { metadata: headers, signal };
  for await (const message of method.answer(received(stream, method.input), call)) {
    respond(stream);
    await send(stream, method.output, create(method.output, message));
  }
}

function respond(stream: ServerHttp2Stream): void {
  if (stream.headersSent || stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
}

function end(stream: ServerHttp2Stream, failed: GrpcError | undefined): void {
  if (stream.destroyed) return;
  stream.once('wantTrailers', () => {
    if (stream.destroyed) return;
    stream.sendTrailers(trailersOf(failed));
    stream.resume(); // what the client still says goes nowhere; with bytes unread the stream would never close
  });
  respond(stream);
  stream.end();
}

function described(error: unknown, describe: ServeGrpcOptions['describe']): GrpcError {
  if (error instanceof GrpcError) return error;
  const known = describe?.(error);
  if (known !== undefined) return known;
  log.error({ err: error }, 'a call over gRPC failed');
  return new GrpcError('internal', messageOf(error));
}

const UNITS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };
/** Of a timer of Node: 24.8 days. */
const LONGEST_TIMER = 0x7fff_ffff;

function deadlineOf(headers: IncomingHttpHeaders, over: () => void): NodeJS.Timeout | undefined {
  const [, amount, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'] ?? '')) ?? [];
  if (amount === undefined) return undefined;
  return setTimeout(over, Math.min(LONGEST_TIMER, Number(amount) * (UNITS[unit] ?? 1)));
}
