import { connect, createServer, type Server, type Socket } from 'node:net';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { PublishedPort } from '../container.ts';
import { forwardDatagrams } from './datagram-forwarder.ts';

export interface ForwardedPort {
  /** With the number that was free. */
  port: PublishedPort;
  /** Cuts all connections, too. */
  close(): Promise<void>;
}

/**
 * Listens on this machine for a container, since its bridge lets nobody in but this machine itself. What one side ends, the
 * other still may go on with.
 * @param address of the container
 * @throws Problem `conflict` in docker's words when the port is taken
 */
export async function forwardPort(port: PublishedPort, address: string): Promise<ForwardedPort> {
  try {
    return port.protocol === 'udp' ? await forwardDatagrams(port, address) : await forwardStreams(port, address);
  } catch (error) {
    const where = `${port.hostAddress || '0.0.0.0'}:${port.hostPort}`;
    if (hasErrorCode(error, 'EADDRINUSE')) {
      throw new Problem('conflict', `Bind for ${where} failed: port is already allocated`, { cause: error });
    }
    if (hasErrorCode(error, 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND')) {
      throw new Problem('invalid', `Bind for ${where} failed: cannot assign requested address`, { cause: error });
    }
    throw error;
  }
}

async function forwardStreams(port: PublishedPort, address: string): Promise<ForwardedPort> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    join(client, connect({ host: address, port: port.containerPort, allowHalfOpen: true }), open);
  });
  await listen(server, port);
  const { port: hostPort } = server.address() as { port: number };
  return {
    port: { ...port, hostPort },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function join(client: Socket, container: Socket, open: Set<Socket>): void {
  const pairs = [
    [client, container],
    [container, client],
  ] as const;
  for (const [from, to] of pairs) {
    open.add(from);
    from.setNoDelay();
    from.pipe(to);
    from.on('error', () => to.resetAndDestroy()); // who reads there learns that it was cut and not ended
    from.on('close', () => {
      open.delete(from);
      if (!from.readableEnded) to.destroy();
    });
  }
}

async function listen(server: Server, { hostAddress, hostPort }: PublishedPort): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: hostAddress, port: hostPort }, resolve);
  });
  server.removeAllListeners('error').on('error', () => undefined); // one connection that could not be taken
}
