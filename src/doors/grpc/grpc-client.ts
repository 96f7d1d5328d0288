import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { messageOf } from '../../lib/problem.ts';
import { received, send } from './call-messages.ts';
import { flushed } from './flushed.ts';
import { GrpcError } from './grpc-error.ts';
import { WIDE_SETTINGS, widen } from './http2-windows.ts';
import { errorOfTrailers } from './trailers.ts';

export interface CallOptions {
  /** Keys in lower case; several values of one key stay several. */
  metadata?: Record<string, string | string[]> | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds, after which the call fails at both ends. */
  timeout?: number | undefined;
}

/** A call with messages in both directions. It ends when `messages` does, which throws the status unless that was OK. */
export interface GrpcStream<I extends DescMessage, O extends DescMessage> {
  /** Resolves when the next one may follow. */
  send(message: MessageInitShape<I>): Promise<void>;
  /** No more of ours; theirs still come. */
  end(): void;
  /** To be read once. Whoever stops before the end calls `cancel`. */
  readonly messages: AsyncIterable<MessageShape<O>>;
  /** Nothing more in either direction. */
  cancel(): void;
}

/** Calls the services that somebody offers at the other end of a connection, which is ours from then on. */
export class GrpcClient {
  readonly #session: ClientHttp2Session;
  /** Resolves when the connection is gone, whoever closed it. */
  readonly closed: Promise<void>;

  private constructor(socket: Duplex) {
    this.#session = connect('http://localhost', { createConnection: () => socket, settings: WIDE_SETTINGS });
    this.#session.once('connect', (session) => widen(session));
    socket.once('end', () => this.#session.destroy()); // of sockets that may be half open, which HTTP/2 never is
    this.#session.on('error', () => {}); // every call hears of it; 'close' follows
    this.closed = new Promise((resolve) => this.#session.once('close', () => resolve()));
  }

  static async over(socket: Duplex): Promise<GrpcClient> {
    await flushed(socket);
    return new GrpcClient(socket);
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const call = this.#open(method, options);
    await call.send(request);
    call.end();
    let answer: MessageShape<O> | undefined;
    for await (const message of call.messages) answer = message;
    if (answer === undefined) throw new GrpcError('internal', `${pathOf(method)} was answered by nothing`);
    return answer;
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: CallOptions = {},
  ): GrpcStream<I, O> {
    return this.#open(method, options);
  }

  /** Ends the connection and whatever is still called. */
  close(): void {
    this.#session.destroy();
  }

  #open<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    { metadata = {}, signal, timeout }: CallOptions,
  ): GrpcStream<I, O> {
    if (this.#session.closed || this.#session.destroyed) throw new GrpcError('unavailable', 'the client has gone');
    if (signal?.aborted === true) throw new GrpcError('cancelled', 'the call was cancelled');
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': pathOf(method),
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(timeout === undefined ? {} : { 'grpc-timeout': `${Math.max(1, Math.ceil(timeout))}m` }),
      ...metadata,
    });
    const end = endOf(stream);
    const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
    const timer =
      timeout === undefined ? undefined : setTimeout(() => fail('deadline-exceeded', 'no answer in time'), timeout);
    const aborted = () => fail('cancelled', 'the call was cancelled');
    const fail = (code: 'cancelled' | 'deadline-exceeded', why: string) => {
      end.reason ??= new GrpcError(code, why);
      cancel();
    };
    signal?.addEventListener('abort', aborted);
    stream.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    });
    return {
      send: (message) => send(stream, method.input, create(method.input, message)),
      end: () => stream.end(),
      messages: answered(stream, end, method.output),
      cancel,
    };
  }
}

interface End {
  /** Why we ended it ourselves. */
  reason: GrpcError | undefined;
  /** Resolves to what the other end said of it. */
  status: Promise<GrpcError | undefined>;
}

function endOf(stream: ClientHttp2Stream): End {
  const status = new Promise<GrpcError | undefined>((resolve) => {
    stream.once('response', (headers) => {
      const { ':status': code } = headers;
      if (code !== 200) resolve(new GrpcError('unavailable', `the other end answered with HTTP ${code}`));
      else if (headers['grpc-status'] !== undefined) resolve(errorOfTrailers(headers));
    });
    stream.once('trailers', (headers: IncomingHttpHeaders) => resolve(errorOfTrailers(headers)));
    stream.once('error', (error) => resolve(new GrpcError('unavailable', messageOf(error))));
    stream.once('close', () => resolve(new GrpcError('unavailable', 'the client has gone')));
  });
  return { reason: undefined, status };
}

async function* answered<O extends DescMessage>(
  stream: ClientHttp2Stream,
  end: End,
  schema: O,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  try {
    yield* received(stream, schema);
  } catch (error) {
    if (error instanceof GrpcError) throw end.reason ?? error;
    throw end.reason ?? (await end.status) ?? error;
  }
  const failed = end.reason ?? (await end.status);
  if (failed !== undefined) throw failed;
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
