import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from './certificate-authority.ts';
import { certifiedHosts } from './served-hosts.ts';
import { TlsEnd } from './tls-end.ts';

describe('our end of TLS', () => {
  let folder: string;
  let ca: string;
  let server: Server;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-tls-end-'));
    const files = { certificate: join(folder, 'ca.pem'), key: join(folder, 'ca.key') };
    const authority = await CertificateAuthority.open(files, certifiedHosts([]));
    ca = authority.certificate;
    const end = new TlsEnd({
      authority,
      serves: (name) => name === 'localhost',
      http: (socket) => socket.end('http'),
      http2: (socket) => socket.end('http2'),
    });
    server = createServer((socket) => end.accept(socket, '127.0.0.1'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });

  const answer = async (protocols: string[], servername?: string): Promise<string> => {
    const { port } = server.address() as AddressInfo;
    const named = servername === undefined ? {} : { servername };
    const socket = connect({ port, host: '127.0.0.1', ca, ALPNProtocols: protocols, ...named });
    return String((await once(socket, 'data'))[0]);
  };

  it.each([
    ['browsers, which speak both', ['h2', 'http/1.1'], 'http'],
    ['old clients', ['http/1.1'], 'http'],
    ['clients that say nothing of it', [], 'http'],
    ['gRPC', ['h2'], 'http2'],
  ])('for %s', async (_who, protocols, expected) => {
    expect(await answer(protocols, 'localhost')).toBe(expected);
    expect(await answer(protocols)).toBe(expected);
  });

  it('has no certificate for other names', async () => {
    await expect(answer([], 'other.lan')).rejects.toThrow();
  });
});
