import type { IncomingHttpHeaders } from 'node:http2';
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { GrpcError } from './grpc-error.ts';

/** What a handler knows of a call besides its messages. */
export interface GrpcCall {
  metadata: IncomingHttpHeaders;
  /** Aborted when the client has cancelled, has gone, or its deadline is over. */
  signal: AbortSignal;
}

export interface GrpcMethod {
  input: DescMessage;
  output: DescMessage;
  answer(
    requests: AsyncIterable<MessageShape<DescMessage>>,
    call: GrpcCall,
  ): AsyncIterable<MessageInitShape<DescMessage>>;
}

/** The methods of one connection's services, by their path. */
export class GrpcServices {
  readonly #methods = new Map<string, GrpcMethod>();

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    handler: (request: MessageShape<I>, call: GrpcCall) => Promise<MessageInitShape<O>>,
  ): this {
    return this.#add(method, async function* (requests, call) {
      yield await handler(await only(requests as AsyncIterable<MessageShape<I>>), call);
    });
  }

  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    handler: (request: MessageShape<I>, call: GrpcCall) => AsyncIterable<MessageInitShape<O>>,
  ): this {
    return this.#add(method, async function* (requests, call) {
      yield* handler(await only(requests as AsyncIterable<MessageShape<I>>), call);
    });
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    handler: (requests: AsyncIterable<MessageShape<I>>, call: GrpcCall) => AsyncIterable<MessageInitShape<O>>,
  ): this {
    return this.#add(method, (requests, call) => handler(requests as AsyncIterable<MessageShape<I>>, call));
  }

  /** @throws GrpcError `unimplemented` */
  find(path: string): GrpcMethod {
    const method = this.#methods.get(path);
    if (method === undefined) throw new GrpcError('unimplemented', `${path} is not served here`);
    return method;
  }

  #add(
    method: { name: string; parent: { typeName: string }; input: DescMessage; output: DescMessage },
    answer: GrpcMethod['answer'],
  ): this {
    this.#methods.set(`/${method.parent.typeName}/${method.name}`, {
      input: method.input,
      output: method.output,
      answer,
    });
    return this;
  }
}

async function only<T>(requests: AsyncIterable<T>): Promise<T> {
  for await (const request of requests) return request;
  throw new GrpcError('invalid-argument', 'the call has no message');
}
