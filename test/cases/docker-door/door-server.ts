import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttachedClient } from '../../../src/containers/attached-client.ts';
import type { ContainerRecord } from '../../../src/containers/container-record.ts';
import type { Containers } from '../../../src/containers/containers.ts';
import type { DockerHouse } from '../../../src/doors/docker/call.ts';
import { DOCKER_SERVER, serveDockerDoor } from '../../../src/doors/docker/door.ts';
import { EventHub } from '../../../src/doors/docker/events.ts';
import { Problem } from '../../../src/lib/problem.ts';

/** The door over a house with one container that does what a test tells it to. */
export class DoorServer {
  readonly events = new EventHub();
  /** What `attach` and `exec start` do with their end of the connection. */
  attached: (client: AttachedClient, signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Resolves waits. */
  ended: Promise<{ code: number }> = new Promise(() => undefined);
  lines: (signal: AbortSignal) => AsyncIterable<Buffer> = async function* () {};
  readonly logins: unknown[] = [];
  terminal = false;
  readonly #folder: string;
  readonly #server = createServer(DOCKER_SERVER);

  private constructor(folder: string) {
    this.#folder = folder;
    serveDockerDoor(this.#server, () => this.#house());
  }

  static async start(): Promise<DoorServer> {
    const door = new DoorServer(await mkdtemp(join(tmpdir(), 'slipway-door-')));
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bytes as they are; the answer until the server ends it. */
  async raw(text: string | Buffer): Promise<string> {
    const socket = this.connect();
    socket.write(text);
    return received(socket);
  }

  connect(): Socket {
    return connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  post(path: string, body: string, type = 'application/json'): Promise<Response> {
    return this.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
  }

  connections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_error, count) => resolve(count)));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #house(): DockerHouse {
    return {
      client: { kind: 'owner', scope: 'owner', project: 'demo', actor: 'owner' },
      containers: this.#containers() as Containers,
      events: this.events,
      folder: this.#folder,
      clock: { now: () => Date.now() },
      version: '1.2.3',
      isOwnRegistry: (host: string) => host === 'ours.example',
      verifyLogin: async (host: string, credentials: unknown) => {
        this.logins.push({ host, credentials });
        if (host === 'basic.example')
          throw new Problem(
            'unauthenticated',
            `login attempt to https://${host}/v2/ failed with status: 401 Unauthorized`,
          );
        if (host === 'token.example')
          throw new Problem('unauthenticated', 'unauthorized: incorrect username or password');
      },
    } as unknown as DockerHouse;
  }

  #containers(): Partial<Containers> {
    const get = (name: string): ContainerRecord => {
      if (name !== 'box') throw new Problem('not-found', `No such container: ${name}`);
      return {
        id: 'box',
        name: 'box',
        request: { terminal: this.terminal },
        state: { status: 'running' },
      } as ContainerRecord;
    };
    return {
      get,
      attach: (_name, client, signal) => this.attached(client, signal),
      wait: () => this.ended,
      logs: (_name, _options, signal) => this.lines(signal),
      execs: {
        get: (id: string) => {
          if (id !== 'exec') throw new Problem('not-found', `No such exec instance: ${id}`);
          return {
            id,
            container: 'box',
            terminal: this.terminal,
            stdin: true,
            stdout: true,
            stderr: true,
            running: false,
          };
        },
        start: (_id, _size, client, signal) =>
          client === undefined ? Promise.resolve() : this.attached(client, signal),
      } as Containers['execs'],
    };
  }
}

/** All that comes until the other side ends. */
export function received(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('end', () => {
      resolve(Buffer.concat(chunks).toString('latin1'));
      socket.end();
    });
    socket.once('error', reject);
  });
}
