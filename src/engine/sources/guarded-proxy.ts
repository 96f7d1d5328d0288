import {
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkLiteralAddress, guardedLookup } from '../../images/remote/address-guard.ts';
import type { AddressRules } from '../../images/remote/hosts.ts';
import { listenOn, type UnixSocket } from '../../kernel/unix-socket.ts';
import { messageOf } from '../../lib/problem.ts';

/** Of https, ssh and git. */
const USUAL_PORTS = new Set(['443', '22', '9418']);

/**
 * The only way out of a sandbox that has no network: an HTTP proxy (RFC 9110, 7.3.2 and 9.3.6) on a unix socket, which
 * looks names up itself and connects to no address that a build may not reach, whatever name or redirect led there.
 */
export class GuardedProxy {
  readonly #server: Server;
  readonly #open = new Set<Duplex>();
  readonly #rules: AddressRules;
  #socket: UnixSocket | undefined;
  /** The last connection that was refused, to explain why the program behind the proxy failed. */
  refusal: string | undefined;

  private constructor(rules: AddressRules) {
    this.#rules = rules;
    this.#server = createServer((request, response) => this.#forward(request, response));
    this.#server.on('connect', (request, socket, head) => this.#tunnel(request, socket, head));
    this.#server.on('connection', (socket) => this.#keep(socket));
  }

  static async listen(path: string, rules: AddressRules): Promise<GuardedProxy> {
    const proxy = new GuardedProxy(rules);
    proxy.#socket = await listenOn(proxy.#server, path);
    return proxy;
  }

  async close(): Promise<void> {
    for (const connection of this.#open) connection.destroy();
    await this.#socket?.close();
  }

  #keep(socket: Duplex): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  /** Absolute-form requests: git over plain http. */
  #forward(request: IncomingMessage, response: ServerResponse): void {
    const fail = (error: unknown) => {
      this.refusal = messageOf(error);
      if (!response.headersSent) response.writeHead(502);
      response.end(`${messageOf(error)}\n`);
    };
    try {
      const url = new URL(request.url ?? '');
      if (url.protocol !== 'http:') throw new Error(`${url.protocol}// is not served`);
      const lookup = this.#guard(url.hostname, [url.host]);
      const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers;
      const outgoing = requestHttp(url, { method: request.method, headers, lookup });
      outgoing.once('error', fail);
      outgoing.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
        answer.once('error', () => response.destroy());
      });
      response.once('close', () => outgoing.destroy());
      request.pipe(outgoing);
    } catch (error) {
      fail(error);
    }
  }

  #tunnel(request: IncomingMessage, client: Duplex, head: Buffer): void {
    const fail = (error: unknown) => {
      this.refusal = messageOf(error);
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    };
    let target: Socket;
    try {
      const { hostname, port, host } = new URL(`tunnel://${request.url}`);
      target = connect({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port),
        // a tunnel's address always has its port; who names a host in the settings writes none where it is the usual one
        lookup: this.#guard(hostname, USUAL_PORTS.has(port) ? [host, hostname] : [host]),
      });
    } catch (error) {
      fail(error);
      return;
    }
    this.#keep(target);
    target.once('error', fail);
    target.once('connect', () => {
      target.off('error', fail);
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(client);
      client.pipe(target);
    });
    client.once('close', () => target.destroy());
  }

  /** @throws Problem `denied` for an address that is written out; a name is checked when it is looked up */
  #guard(hostname: string, names: readonly string[]) {
    const { allowAddress, isNamed } = this.#rules;
    if (allowAddress === undefined || names.some((name) => isNamed?.(name) === true)) return undefined;
    checkLiteralAddress(hostname, allowAddress);
    return guardedLookup(allowAddress);
  }
}

/** What git says when the proxy answered 502, with the reason in place of the number, in git's own words for a missing host. */
export function withReason(said: string, refusal: string | undefined): string {
  if (refusal === undefined) return said;
  const host = /^getaddrinfo E\w+ (\S+)$/.exec(refusal)?.[1];
  const reason = host === undefined ? refusal : `Could not resolve host: ${host}`;
  return said.replace(/(?:CONNECT tunnel failed, response|The requested URL returned error:) 502/g, () => reason);
}
