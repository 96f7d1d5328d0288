import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { CertificateAuthority } from './certificate-authority.ts';

const HANDSHAKE_MS = 15_000;

export interface TlsEndParts {
  authority: CertificateAuthority;
  /** Whether a client may ask for this name. */
  serves(name: string): boolean;
  http(socket: TLSSocket): void;
  /** A client that speaks HTTP/2 and nothing else, which is gRPC. */
  http2(socket: TLSSocket): void;
}

/**
 * Our end of TLS, with certificates of the data folder's authority. Browsers and curl offer both versions of HTTP and get
 * the older one, which every door speaks; clients of gRPC offer HTTP/2 alone.
 */
export class TlsEnd {
  readonly #parts: TlsEndParts;

  constructor(parts: TlsEndParts) {
    this.#parts = parts;
  }

  /**
   * Takes a connection on which the client begins a handshake.
   * @param host whose certificate is shown to a client that names none, which is one that was told an address
   */
  accept(socket: Duplex, host: string): void {
    const { authority, serves, http, http2 } = this.#parts;
    const encrypted = new TLSSocket(socket, {
      isServer: true,
      secureContext: authority.leaf(host),
      ALPNProtocols: ['http/1.1', 'h2'],
      SNICallback: (asked, done) => {
        const name = asked.toLowerCase();
        if (serves(name)) done(null, authority.leaf(name));
        else done(new Error(`no certificate for ${name}`));
      },
    });
    const timer = setTimeout(() => encrypted.destroy(), HANDSHAKE_MS);
    const refused = () => encrypted.destroy(); // a client that doesn't trust us says so itself
    encrypted.on('error', refused);
    encrypted.once('close', () => clearTimeout(timer));
    encrypted.once('secure', () => {
      clearTimeout(timer);
      Object.assign(encrypted, { secureConnecting: false }); // as a TLS server does: HTTP/2 waits for it
      if (encrypted.alpnProtocol === 'h2') http2(encrypted);
      else http(encrypted);
    });
  }
}
