import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { PublishedPort } from '../container.ts';
import type { ForwardedPort } from './port-forwarder.ts';

/** Without a word from either side, a conversation is over; docker's proxy waits as long. */
const SILENCE_MS = 90_000;
/** Of one port; what comes from more is dropped. */
const MOST_SENDERS = 1024;

/** A socket of its own for each sender, so that the container's answers find their way back. */
export async function forwardDatagrams(port: PublishedPort, address: string): Promise<ForwardedPort> {
  const server = createSocket(isIPv6(port.hostAddress) ? 'udp6' : 'udp4');
  const senders = new Map<string, { socket: Socket; silence: NodeJS.Timeout }>();
  const end = (key: string) => {
    const sender = senders.get(key);
    if (sender === undefined) return;
    senders.delete(key);
    clearTimeout(sender.silence);
    sender.socket.close();
  };
  server.on('message', (bytes, from) => {
    const key = `${from.address} ${from.port}`;
    let sender = senders.get(key);
    if (sender === undefined) {
      if (senders.size >= MOST_SENDERS) return;
      const socket = createSocket('udp4');
      const silence = setTimeout(() => end(key), SILENCE_MS).unref();
      sender = { socket, silence };
      senders.set(key, sender);
      socket.on('error', () => end(key)); // refused: nobody listens there, and the sender will notice
      socket.on('message', (answer) => {
        silence.refresh();
        server.send(answer, from.port, from.address);
      });
    }
    sender.silence.refresh();
    sender.socket.send(bytes, port.containerPort, address);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.bind({ address: port.hostAddress, port: port.hostPort, exclusive: true }, resolve);
  });
  server.removeAllListeners('error').on('error', () => undefined); // a sender that is gone refuses its answer
  return {
    port: { ...port, hostPort: server.address().port },
    async close() {
      for (const key of [...senders.keys()]) end(key);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
