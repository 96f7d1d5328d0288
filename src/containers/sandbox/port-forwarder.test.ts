import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { forwardPort } from './port-forwarder.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const open = async (protocol: 'tcp' | 'udp', containerPort: number) => {
  const wanted = { protocol, containerPort, hostAddress: '127.0.0.1', hostPort: 0 };
  const forwarded = await forwardPort(wanted, '127.0.0.1');
  closing.push(() => forwarded.close());
  return forwarded;
};

test('the end of one direction goes through, and the other goes on', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('end', () => setTimeout(() => socket.end(`had ${bytes}`), 20));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => void server.close());
  const { port } = await open('tcp', (server.address() as { port: number }).port);
  const answer = await new Promise<string>((resolve) => {
    let heard = '';
    const socket = connect({ port: port.hostPort, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('x'.repeat(300_000));
    socket.on('data', (chunk) => {
      heard += String(chunk);
    });
    socket.on('end', () => resolve(heard));
  });
  expect(answer).toBe('had 300000');
});

test('where nobody listens, the connection is cut; when it is closed, so are its connections', async () => {
  const { port: nobody } = await open('tcp', 1);
  const cut = await new Promise<string | undefined>((resolve) => {
    connect(nobody.hostPort, '127.0.0.1')
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      .on('end', () => resolve('end'));
  });
  expect(cut).toBe('ECONNRESET');
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closing.push(() => void silent.close());
  const forwarded = await open('tcp', (silent.address() as { port: number }).port);
  const socket = connect(forwarded.port.hostPort, '127.0.0.1');
  const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  await new Promise((resolve) => silent.once('connection', resolve));
  await forwarded.close();
  await closed;
});

test('a port that is taken is a conflict', async () => {
  const { port } = await open('tcp', 1);
  await expect(forwardPort(port, '127.0.0.1')).rejects.toMatchObject({ code: 'conflict' });
});

test('each sender of datagrams has its own answers', async () => {
  const echo = createSocket('udp4');
  echo.on('message', (bytes, from) => echo.send(`re: ${bytes}`, from.port, from.address));
  await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve));
  closing.push(() => void echo.close());
  const { port } = await open('udp', echo.address().port);
  const ask = async (text: string) => {
    const socket = createSocket('udp4');
    const answer = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(bytes.toString())));
    socket.send(text, port.hostPort, '127.0.0.1');
    return await answer.finally(() => socket.close());
  };
  expect(await Promise.all(['one', 'two', 'three'].map(ask))).toEqual(['re: one', 're: two', 're: three']);
});
