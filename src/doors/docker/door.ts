import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../lib/problem.ts';
import { urlOf } from '../http/answer.ts';
import { drain } from '../http/body.ts';
import type { Router } from '../http/router.ts';
import { SERVER_LIMITS } from '../http/server-limits.ts';
import { NEWEST_API, splitVersion } from './api-version.ts';
import type { DockerCall, DockerHandler, DockerHouse } from './call.ts';
import { DockerError, renderError } from './errors.ts';
import { dockerRoutes } from './routes.ts';
import { type Connection, plainConnection, upgradedConnection } from './streams/connection.ts';

/**
 * For the server that carries the door, beside `allowHalfOpen`. Nothing is cut for being quiet: whoever is attached to a
 * container may hear nothing for days. Headers may be as long as Go's servers take: credentials for many registries come
 * in one.
 */
export const DOCKER_SERVER = { ...SERVER_LIMITS, maxHeaderSize: 1 << 20, keepAliveTimeout: 75_000 } as const;

/** For calls to end whose clients were cut off. Milliseconds. */
const END_MS = 2_000;

/** Whose a connection is, told by its socket alone: the path that it came by, or its certificate. */
export type HouseOf = (request: IncomingMessage) => DockerHouse | Promise<DockerHouse>;

export interface DockerDoor {
  /** Cuts the clients off, also those whose connections were taken over, and resolves when nothing is done for them any more. */
  end(): Promise<void>;
}

/** Makes a server that was made with `DOCKER_SERVER` answer docker's Engine API. */
export function serveDockerDoor(server: Server, houseOf: HouseOf): DockerDoor {
  const routes = dockerRoutes();
  const calls = new Map<Promise<void>, Connection>();
  const take = (connection: Connection) => {
    const call = answer(routes, houseOf, connection).finally(() => calls.delete(call));
    calls.set(call, connection);
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    take(plainConnection(request, response));
  });
  // with this listener every request that names a protocol to change to comes here, whether its path knows one or not
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgradedConnection(request, socket, head).then(take, (error: unknown) =>
      endWith(socket, '400 Bad Request', messageOf(error)),
    );
  });
  server.on('clientError', refuse);
  return {
    async end() {
      for (const { socket } of calls.values()) socket.destroy();
      // a stop that waits for ever is ended by the end of its container, which comes after this
      await Promise.race([Promise.allSettled(calls.keys()), sleep(END_MS, undefined, { ref: false })]);
    },
  };
}

async function answer(routes: Router<DockerHandler>, houseOf: HouseOf, connection: Connection): Promise<void> {
  const { request, response } = connection;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const left = () => gone.abort();
  connection.socket.once('close', left);
  try {
    const house = await houseOf(request);
    response.setHeader('Api-Version', `1.${NEWEST_API}`);
    response.setHeader('Docker-Experimental', 'false');
    response.setHeader('Ostype', 'linux');
    response.setHeader('Server', `Slipway/${house.version} (linux)`);
    const { path, query } = urlOf(request);
    const { version, rest } = splitVersion(path);
    const match = routes.find(request.method ?? 'GET', rest);
    // a path that is known with another method is no different to dockerd's clients
    if (match === undefined || 'allow' in match) throw new DockerError(404, 'page not found');
    const { scope, project, actor } = house.client;
    const call: DockerCall = {
      request,
      response,
      params: match.params,
      query,
      version,
      house,
      caller: { scope, project, actor, signal: gone.signal },
      signal: gone.signal,
      hijack: (as) => connection.hijack(as),
    };
    await match.handler(call);
    if (!connection.hijacked && !response.headersSent) throw new Error(`no answer to ${request.method} ${rest}`);
    drain(request);
  } catch (error) {
    if (connection.hijacked) connection.failed(error);
    else renderError(response, error);
  } finally {
    // a connection carries many requests
    connection.socket.off('close', left);
    connection.end();
  }
}

/** What isn't HTTP, or too much of it: dockerd's form of complaint, where the client can still read it. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const message = tooLong
    ? `the headers of the request are longer than the ${DOCKER_SERVER.maxHeaderSize} bytes that are accepted here`
    : 'the request is not HTTP/1.1 as it should be';
  endWith(socket, tooLong ? '431 Request Header Fields Too Large' : '400 Bad Request', message);
}

/** Says so on a connection on which there is no request to answer. */
function endWith(socket: Duplex, status: string, message: string): void {
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
