import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StorageServer, startStorageServer } from './storage-server.ts';

describe('proxy door', () => {
  let server: StorageServer;
  let token: string;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    server = await startStorageServer();
    token = await server.token({ role: 'writer', project: 'p1' });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close();
  });

  /** Sends bytes on a new connection and gives back what comes first. */
  const exchange = (text: string): Promise<{ socket: Socket; answer: string }> =>
    new Promise((resolve, reject) => {
      const [host = '', port] = server.host.split(':');
      const socket = connect({ host, port: Number(port) }, () => socket.write(text));
      sockets.push(socket);
      socket.once('data', (data) => resolve({ socket, answer: data.toString() }));
      socket.once('error', reject);
    });

  const tunnel = async (name: string): Promise<TLSSocket> => {
    const { socket, answer } = await exchange(`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}:443\r\n\r\n`);
    expect(answer).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
    const ca = await readFile(server.folder.ca);
    return new Promise((resolve, reject) => {
      const secure = connectTls({ socket, servername: name, ca, ALPNProtocols: ['h2', 'http/1.1'] }, () =>
        resolve(secure),
      );
      secure.once('error', reject);
    });
  };

  const ask = (secure: TLSSocket, host: string, path: string): Promise<string> =>
    new Promise((resolve) => {
      secure.once('data', (data) => resolve(data.toString()));
      secure.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    });

  it('ends TLS for the hosts it stands for, several requests a tunnel, HTTP/1.1 only', async () => {
    await server.buckets.createBucket({ name: 'bkt', project: 'p1', location: 'us' });
    const secure = await tunnel('storage.googleapis.com');
    expect(secure.alpnProtocol).toBe('http/1.1');
    for (let round = 0; round < 3; round++) {
      const answer = await ask(secure, 'storage.googleapis.com', '/storage/v1/b/bkt');
      expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
      expect(answer).toContain('"selfLink":"https://storage.googleapis.com/storage/v1/b/bkt"');
    }
    for (const name of ['www.googleapis.com', 'oauth2.googleapis.com', 'europe-central2-docker.pkg.dev'])
      expect(await ask(await tunnel(name), name, '/v2/'), name).toMatch(/^HTTP\/1.1 \d/);
  });

  it.each([
    'example.com:443',
    'storage.googleapis.com:80',
    'mail.google.com:443',
    'evil-docker.pkg.dev.example.com:443',
    '127.0.0.1:22',
    'storage.googleapis.com@example.com:443',
  ])('refuses %s, and says what it is for', async (target) => {
    const { answer } = await exchange(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
    expect(answer).toContain('serves only the Google hosts that Slipway stands for');
  });

  it('takes requests in absolute form for itself and its hosts, and leads nowhere else', async () => {
    await server.buckets.createBucket({ name: 'bkt', project: 'p1', location: 'us' });
    const get = async (url: string): Promise<string> => {
      const head = `GET ${url} HTTP/1.1\r\nHost: ignored\r\nAuthorization: Bearer ${token}\r\n\r\n`;
      return (await exchange(head)).answer;
    };
    const own = await get(`${server.url}/storage/v1/b/bkt`);
    expect(own).toMatch(/^HTTP\/1.1 200 OK/);
    expect(own).toContain(`"selfLink":"${server.url}/storage/v1/b/bkt"`);
    expect(await get('http://storage.googleapis.com/storage/v1/b/bkt')).toMatch(/^HTTP\/1.1 200 OK/);
    expect(await get('http://169.254.169.254/latest/meta-data')).toMatch(/^HTTP\/1.1 403 Forbidden/);
    expect(await get('http://localhost:1/storage/v1/b/bkt')).toMatch(/^HTTP\/1.1 403 Forbidden/);
  });

  it('ends every tunnel when it is closed, the half-open ones too', async () => {
    const { socket: waiting } = await exchange('CONNECT storage.googleapis.com:443 HTTP/1.1\r\n\r\n');
    const idle = await tunnel('storage.googleapis.com');
    const ended = [waiting, idle].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const other = await startStorageServer();
    await server.close();
    await Promise.all(ended);
    server = other;
  });
});
