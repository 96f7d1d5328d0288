import { closeSync, constants, openSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { checkLiteralAddress, guardedLookup } from '../../images/remote/address-guard.ts';
import type { RegistryHosts } from '../../images/remote/hosts.ts';
import { selfFd } from '../../kernel/rooted.ts';
import { messageOf } from '../../lib/problem.ts';

export type FetchRules = Pick<RegistryHosts, 'allowAddress' | 'isNamed'>;

/**
 * The only way out of a sandbox that has no network: an HTTP proxy (RFC 9110, 7.3.2 and 9.3.6) on a unix socket, which
 * looks names up itself and connects to no address that a build may not reach, whatever name or redirect led there.
 */
export class GuardedProxy {
  readonly #server: Server;
  readonly #open = new Set<Duplex>();
  readonly #rules: FetchRules;
  /** A path of a socket may have 108 bytes, a data folder's may have more; and Node removes the socket by its name. */
  readonly #folder: number;
  /** The last connection that was refused, to explain why the program behind the proxy failed. */
  refusal: string | undefined;

  private constructor(path: string, rules: FetchRules) {
    this.#rules = rules;
    this.#folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    this.#server = createServer((request, response) => this.#forward(request, response));
    this.#server.on('connect', (request, socket, head) => this.#tunnel(request, socket, head));
    this.#server.on('connection', (socket) => this.#keep(socket));
  }

  static async listen(path: string, rules: FetchRules): Promise<GuardedProxy> {
    const proxy = new GuardedProxy(path, rules);
    try {
      await new Promise<void>((resolve, reject) => {
        proxy.#server.once('error', reject);
        proxy.#server.listen(`${selfFd(proxy.#folder)}/${basename(path)}`, resolve);
      });
    } catch (error) {
      closeSync(proxy.#folder);
      throw error;
    }
    return proxy;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
    closeSync(this.#folder);
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
      const lookup = this.#guard(url.hostname, url.host);
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
        lookup: this.#guard(hostname, host),
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
  #guard(hostname: string, host: string) {
    const { allowAddress, isNamed } = this.#rules;
    if (allowAddress === undefined || isNamed?.(host) === true) return undefined;
    checkLiteralAddress(hostname, allowAddress);
    return guardedLookup(allowAddress);
  }
}
