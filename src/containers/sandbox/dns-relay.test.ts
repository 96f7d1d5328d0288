import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startDnsRelay } from './dns-relay.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test('a question goes to the servers, and the first answer comes back', async () => {
  const silent = await udpServer(() => undefined);
  const answering = await udpServer((question) => Buffer.concat([Buffer.from('answer to '), question]));
  const relay = await startDnsRelay(
    '127.0.0.1',
    [silent, answering].map((port) => ({ address: '127.0.0.1', port })),
    { port: 0 },
  );
  closing.push(() => relay.close());
  expect(await askUdp(relay.port, 'one')).toBe('answer to one');
  const many = await Promise.all(Array.from({ length: 20 }, (_, index) => askUdp(relay.port, `q${index}`)));
  expect(many).toEqual(Array.from({ length: 20 }, (_, index) => `answer to q${index}`));
});

test('long questions go over TCP', async () => {
  const server = createServer((socket) => socket.once('data', (bytes) => socket.end(`long ${bytes}`)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => void server.close());
  const { port } = server.address() as { port: number };
  const relay = await startDnsRelay('127.0.0.1', [{ address: '127.0.0.1', port }], { port: 0 });
  closing.push(() => relay.close());
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(relay.port, '127.0.0.1', () => socket.write('question'));
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('close', () => resolve(text));
  });
  expect(answer).toBe('long question');
});

test('it closes while a question is open', async () => {
  const silent = await udpServer(() => undefined);
  const relay = await startDnsRelay('127.0.0.1', [{ address: '127.0.0.1', port: silent }], { port: 0 });
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.send('x', relay.port, '127.0.0.1', () => resolve()));
  socket.close();
  await relay.close();
});

async function udpServer(answer: (question: Buffer) => Buffer | undefined): Promise<number> {
  const server = createSocket('udp4');
  server.on('message', (question, from) => {
    const bytes = answer(question);
    if (bytes !== undefined) server.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  closing.push(() => void server.close());
  return server.address().port;
}

async function askUdp(port: number, question: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      socket.once('message', (answer) => resolve(answer.toString()));
      socket.send(question, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}
