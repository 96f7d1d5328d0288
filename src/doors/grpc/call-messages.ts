import type { Http2Stream } from 'node:http2';
import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { messageOf } from '../../lib/problem.ts';
import { GrpcError } from './grpc-error.ts';
import { framed, MessageFrames } from './message-frames.ts';

/** The messages that come in, until the other end has said its last. Whoever stops listening cancels nothing. */
export async function* received<S extends DescMessage>(
  stream: Http2Stream,
  schema: S,
): AsyncGenerator<MessageShape<S>, void, undefined> {
  const frames = new MessageFrames();
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    for (const frame of frames.take(chunk)) yield decoded(schema, frame);
  if (!frames.empty) throw new GrpcError('internal', 'the stream ended within a message');
}

/** Sends one message. Resolves when the next one may follow: the other end decides how much it takes. */
export async function send<S extends DescMessage>(
  stream: Http2Stream,
  schema: S,
  message: MessageShape<S>,
): Promise<void> {
  if (stream.destroyed || stream.writableEnded) throw new GrpcError('cancelled', 'the call has ended');
  if (stream.write(framed(toBinary(schema, message)))) return;
  await new Promise<void>((resolve, reject) => {
    const done = () => {
      stream.off('drain', done).off('close', closed);
      resolve();
    };
    const closed = () => {
      stream.off('drain', done);
      reject(new GrpcError('cancelled', 'the call has ended'));
    };
    stream.once('drain', done).once('close', closed);
  });
}

function decoded<S extends DescMessage>(schema: S, frame: Buffer): MessageShape<S> {
  try {
    return fromBinary(schema, frame);
  } catch (error) {
    throw new GrpcError('internal', `a message is no ${schema.typeName}: ${messageOf(error)}`);
  }
}
