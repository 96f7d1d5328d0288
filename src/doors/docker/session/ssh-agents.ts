import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenOn } from '../../../kernel/unix-socket.ts';
import { log } from '../../../lib/log.ts';
import { messageOf } from '../../../lib/problem.ts';
import type { GrpcClient } from '../../grpc/grpc-client.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import { SSH } from '../buildkit/gen/ssh_pb.ts';

const PIECE = 32 << 10;

/** Sockets of ours, each of which leads to an ssh agent of the client. */
export class SshAgents {
  readonly #client: GrpcClient;
  readonly #sockets = new Map<string, Promise<ForwardedAgent | undefined>>();

  constructor(client: GrpcClient) {
    this.#client = client;
  }

  /** The path of a socket; undefined when the client has no agent of that id. */
  async socket(id: string): Promise<string | undefined> {
    const known = this.#sockets.get(id) ?? this.#open(id);
    this.#sockets.set(id, known);
    return (await known)?.path;
  }

  async close(): Promise<void> {
    for (const opened of this.#sockets.values()) await (await opened.catch(() => undefined))?.close();
  }

  async #open(id: string): Promise<ForwardedAgent | undefined> {
    try {
      await this.#client.unary(SSH.method.checkAgent, { id });
    } catch (error) {
      if (error instanceof GrpcError && error.code !== 'unavailable' && error.code !== 'cancelled') return undefined;
      throw error;
    }
    return await forwardAgent(this.#client, id);
  }
}

interface ForwardedAgent {
  path: string;
  close(): Promise<void>;
}

async function forwardAgent(client: GrpcClient, id: string): Promise<ForwardedAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-ssh-'));
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    forward(client, id, socket)
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'ssh agent of a client'))
      .finally(() => socket.destroy());
  });
  const path = join(folder, 's');
  const { close } = await listenOn(server, path);
  return {
    path,
    async close() {
      for (const socket of open) socket.destroy();
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function forward(client: GrpcClient, id: string, socket: Socket): Promise<void> {
  const stream = client.stream(SSH.method.forwardAgent, { metadata: { 'buildkit.ssh.id': id } });
  socket.on('error', () => stream.cancel());
  const there = (async () => {
    for await (const chunk of socket as AsyncIterable<Buffer>)
      for (let at = 0; at < chunk.length; at += PIECE) await stream.send({ data: chunk.subarray(at, at + PIECE) });
    stream.end();
  })();
  const back = (async () => {
    for await (const { data } of stream.messages) socket.write(data);
    socket.end();
  })();
  try {
    await Promise.all([there, back]);
  } finally {
    stream.cancel();
  }
}
