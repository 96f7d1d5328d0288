import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Health } from '../docker/buildkit/gen/health_pb.ts';
import { Secrets } from '../docker/buildkit/gen/secrets_pb.ts';
import { SSH } from '../docker/buildkit/gen/ssh_pb.ts';
import { GrpcClient } from './grpc-client.ts';
import { GrpcError } from './grpc-error.ts';
import { GrpcServices } from './grpc-services.ts';
import { framed, MessageFrames } from './message-frames.ts';
import { serveGrpc } from './serve-grpc.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Two ends of one connection, one of which serves. */
async function joined(services: GrpcServices): Promise<{ client: GrpcClient; served: Promise<void> }> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const client = await GrpcClient.over(socket);
  const served = serveGrpc(await accepted, services);
  closers.push(async () => {
    client.close();
    await served;
    server.close();
  });
  return { client, served };
}

it('calls and answers', async () => {
  const { client } = await joined(
    new GrpcServices().unary(Secrets.method.getSecret, async ({ id }, { metadata }) => ({
      data: Buffer.from(`${id}:${metadata['x-key']}`),
    })),
  );
  const { data } = await client.unary(Secrets.method.getSecret, { id: 'a' }, { metadata: { 'x-key': 'b' } });
  expect(Buffer.from(data).toString()).toBe('a:b');
});

it('gives an error with its code, whole text and details', async () => {
  const detail = { typeUrl: 'github.com/x/y', value: Buffer.from('{"a":1}') };
  const { client } = await joined(
    new GrpcServices().unary(Secrets.method.getSecret, async () => {
      throw new GrpcError('not-found', 'nie ma żółwia: 100%\n', [detail]);
    }),
  );
  const error = await client.unary(Secrets.method.getSecret, { id: 'a' }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'not-found', message: 'nie ma żółwia: 100%\n' });
  expect((error as GrpcError).details).toMatchObject([{ typeUrl: detail.typeUrl }]);
  expect(Buffer.from((error as GrpcError).details[0]?.value ?? []).toString()).toBe('{"a":1}');
  await expect(client.unary(Health.method.check, {})).rejects.toMatchObject({
    code: 'unimplemented',
    message: '/grpc.health.v1.Health/Check is not served here',
  });
});

it('streams both ways with half-close: what comes in goes back, and the end is told after the last', async () => {
  const { client } = await joined(
    new GrpcServices().stream(SSH.method.forwardAgent, async function* (requests) {
      let bytes = 0;
      for await (const { data } of requests) {
        bytes += data.length;
        yield { data };
      }
      yield { data: Buffer.from(`${bytes} in all`) };
    }),
  );
  const call = client.stream(SSH.method.forwardAgent);
  const chunk = Buffer.alloc(100_000, 'x');
  const sending = (async () => {
    for (let n = 0; n < 200; n++) await call.send({ data: chunk });
    call.end();
  })();
  let bytes = 0;
  let last = '';
  for await (const { data } of call.messages) {
    bytes += data.length;
    last = Buffer.from(data.subarray(0, 40)).toString();
  }
  await sending;
  expect(bytes).toBe(20_000_000 + last.length);
  expect(last).toBe('20000000 in all');
});

it('cancels at both ends, by the signal and by the deadline', async () => {
  const ended: string[] = [];
  const { client } = await joined(
    new GrpcServices().unary(Secrets.method.getSecret, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended.push(String(signal.reason.code));
      return {};
    }),
  );
  const stop = new AbortController();
  const first = client.unary(Secrets.method.getSecret, {}, { signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await expect(first).rejects.toMatchObject({ code: 'cancelled' });
  await expect(client.unary(Secrets.method.getSecret, {}, { timeout: 50 })).rejects.toMatchObject({
    code: 'deadline-exceeded',
  });
  await expect.poll(() => ended.length).toBe(2);
});

it('tells every call that the connection has gone', async () => {
  const { client, served } = await joined(
    new GrpcServices().unary(Secrets.method.getSecret, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return {};
    }),
  );
  const call = client.unary(Secrets.method.getSecret, {}).catch((error: unknown) => error);
  setTimeout(() => client.close(), 50);
  expect(await call).toBeInstanceOf(GrpcError);
  await served;
  await client.closed;
  await expect(client.unary(Secrets.method.getSecret, {})).rejects.toMatchObject({ code: 'unavailable' });
});

it('takes the end of a half-open connection for the end', async () => {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const served = serveGrpc(await accepted, new GrpcServices());
  socket.end();
  await served;
  socket.destroy();
  server.close();
});

it('finds out that a client has gone amid bytes that are no frames', async () => {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const served = serveGrpc(await accepted, new GrpcServices(), { aliveMs: 50 });
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1');
  socket.write(Buffer.alloc(200, 7));
  setTimeout(() => socket.destroy(), 20);
  await served;
  server.close();
});

it('cuts messages wherever the pieces end', () => {
  const messages = ['', 'a', 'b'.repeat(300), 'c'.repeat(70_000)].map((text) => Buffer.from(text));
  const all = Buffer.concat(messages.map((message) => framed(message)));
  for (const size of [1, 3, 5, 16_384, all.length]) {
    const frames = new MessageFrames();
    const found: Buffer[] = [];
    for (let at = 0; at < all.length; at += size) found.push(...frames.take(all.subarray(at, at + size)));
    expect(found.map(String)).toEqual(messages.map(String));
    expect(frames.empty).toBe(true);
  }
});

it('refuses lengths that nobody needs, and compression', () => {
  expect(() => [...new MessageFrames().take(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))]).toThrow('too long');
  expect(() => [...new MessageFrames().take(Buffer.from([1, 0, 0, 0, 0]))]).toThrow('compressed');
});
