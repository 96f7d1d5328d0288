import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { splitTls } from './first-byte.ts';

describe('one port for HTTP and TLS', () => {
  let server: Server;
  let encrypted: Socket[];
  const client = () => connect((server.address() as AddressInfo).port, '127.0.0.1');

  beforeEach(async () => {
    encrypted = [];
    server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
    server.headersTimeout = 200;
    splitTls(server, (socket) => encrypted.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of encrypted) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('serves HTTP, whole requests and those that come byte by byte, several on a connection', async () => {
    const socket = client();
    socket.write('GET /one HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toContain('GET /one');
    for (const byte of 'GET /two HTTP/1.1\r\nHost: h\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(String((await once(socket, 'data'))[0])).toContain('GET /two');
    socket.destroy();
  });

  it('hands a handshake over with its first byte', async () => {
    const socket = client();
    socket.write(Buffer.from([0x16, 0x03, 0x01]));
    await expect.poll(() => encrypted.length).toBe(1);
    await expect.poll(() => encrypted[0]?.readableLength).toBe(3);
    socket.destroy();
  });

  it('gives up who says nothing, and who goes without a word', async () => {
    const [silent, gone] = [client(), client()];
    gone.end();
    await Promise.all([once(silent, 'close'), once(gone, 'close')]);
    const left = await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    expect(left).toBe(0);
  });
});
