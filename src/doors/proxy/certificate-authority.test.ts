import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity, connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from './certificate-authority.ts';
import { certifiedHosts } from './served-hosts.ts';
import { TlsEnd } from './tls-end.ts';

const DAY = 24 * 60 * 60 * 1000;

describe('the data folder’s authority', () => {
  let folder: string;
  let now = Date.now();
  const files = () => ({ certificate: join(folder, 'ca.pem'), key: join(folder, 'ca.key') });
  const open = (...own: string[]) => CertificateAuthority.open(files(), certifiedHosts(own), { now: () => now });

  beforeEach(async () => {
    now = Date.now();
    folder = await mkdtemp(join(tmpdir(), 'slipway-ca-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is made once, with a key that only the owner reads', async () => {
    const { certificate } = await open();
    expect((await open()).certificate).toBe(certificate);
    expect((await stat(files().key)).mode & 0o777).toBe(0o600);
    expect(await readFile(files().certificate, 'utf8')).toBe(certificate);
    const parsed = new X509Certificate(certificate);
    expect(parsed.ca).toBe(true);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(Date.parse(parsed.validTo) - now).toBeGreaterThan(3600 * DAY);
  });

  it('is made anew before it ends, or when its key is lost', async () => {
    const { certificate } = await open();
    await rm(files().key);
    const second = (await open()).certificate;
    expect(second).not.toBe(certificate);
    now += 3630 * DAY;
    expect((await open()).certificate).not.toBe(second);
  });

  it('is made anew when it is to speak for other hosts', async () => {
    const { certificate } = await open('slipway.lan');
    expect((await open('slipway.lan')).certificate).toBe(certificate);
    expect((await open('slipway.lan', '10.1.2.3')).certificate).not.toBe(certificate);
  });

  it('keeps no leaf for each of ever new names', async () => {
    const authority = await open();
    const leaf = authority.leaf('a0-docker.pkg.dev');
    for (let i = 1; i <= 256; i++) authority.leaf(`a${i}-docker.pkg.dev`);
    const last = authority.leaf('a256-docker.pkg.dev');
    expect(authority.leaf('a256-docker.pkg.dev')).toBe(last);
    expect(authority.leaf('a0-docker.pkg.dev')).not.toBe(leaf);
  });

  it('makes one leaf per host, and renews it in time', async () => {
    const authority = await open();
    const leaf = authority.leaf('storage.googleapis.com');
    expect(authority.leaf('storage.googleapis.com')).toBe(leaf);
    now += 61 * DAY;
    expect(authority.leaf('storage.googleapis.com')).not.toBe(leaf);
  });

  it.each([
    ['storage.googleapis.com', true],
    ['europe-central2-docker.pkg.dev', true],
    ['mail.google.com', false],
    ['googleapis.com', false],
    ['notpkg.dev', false],
    ['localhost', true],
    ['slipway.lan', true],
    ['other.lan', false],
    ['127.0.0.1', true],
    ['10.1.2.3', true],
    ['10.1.2.4', false],
  ])('is believed for %s: %s', async (host, believed) => {
    const authority = await open('slipway.lan', '10.1.2.3');
    const end = new TlsEnd({
      authority,
      serves: () => true,
      http: (socket) => socket.end('ok'),
      http2: () => undefined,
    });
    const server = createServer((socket) => end.accept(socket, host));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        ca: authority.certificate,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        checkServerIdentity: (_host, certificate) => checkServerIdentity(host, certificate),
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on('data', (data) => resolve(data.toString()));
    });
    await new Promise((resolve) => server.close(resolve));
    // OpenSSL's "permitted subtree violation", which Node has no name for
    expect(outcome).toBe(believed ? 'ok' : 'UNSPECIFIED');
  });
});
