import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { connect, createServer, isIPv6, type Socket as TcpSocket } from 'node:net';

export interface DnsRelay {
  port: number;
  close(): Promise<void>;
}

export interface RelayOptions {
  /** 0 takes a free one (tests). */
  port?: number;
  /** Undefined for a question that is somebody else's. Only asked over UDP, which names in a local network never outgrow. */
  answer?: (question: Buffer) => Buffer | undefined;
}

const DNS_PORT = 53;
/** Resolvers give up after 5 s by default (resolv.conf(5)); an answer after that has no reader. */
const ANSWER_MS = 5000;
/** Questions under way at one time; more are dropped, and a resolver asks again. */
const MOST_QUESTIONS = 256;

/**
 * Passes DNS questions of a bridge's containers on to nameservers that only this machine reaches, such as the one on
 * 127.0.0.53: one answer for one question, from the first server that gives one. What `answer` knows is answered here.
 * @param upstreams their ports are 53 unless given
 */
export async function startDnsRelay(
  address: string,
  upstreams: { address: string; port?: number }[],
  options: RelayOptions = {},
): Promise<DnsRelay> {
  const udp = createSocket('udp4');
  const questions = new Set<Socket>();
  const { port = DNS_PORT, answer = () => undefined } = options;
  udp.on('message', (question, from) => {
    const known = answer(question);
    if (known !== undefined) udp.send(known, from.port, from.address);
    else if (questions.size < MOST_QUESTIONS) ask(udp, question, from, upstreams, questions);
  });
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind({ address, port, exclusive: true }, resolve);
  });
  udp.removeAllListeners('error').on('error', () => undefined); // a container that is gone refuses its answer
  const bound = udp.address().port;

  const streams = new Set<TcpSocket>();
  const first = upstreams[0];
  const tcp = createServer((client) => {
    if (first === undefined || streams.size >= MOST_QUESTIONS) return client.destroy();
    const server = connect(first.port ?? DNS_PORT, first.address);
    for (const socket of [client, server]) {
      streams.add(socket);
      socket.setTimeout(ANSWER_MS, () => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('close', () => {
        streams.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen(bound, address, resolve);
  });

  return {
    port: bound,
    async close() {
      for (const socket of questions) socket.close();
      questions.clear();
      for (const socket of streams) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

/** A socket of its own for each question, so that answers can't be mixed up and a forged one needs its random port. */
function ask(
  udp: Socket,
  question: Buffer,
  from: RemoteInfo,
  upstreams: { address: string; port?: number }[],
  questions: Set<Socket>,
): void {
  const kinds = new Map<boolean, Socket>();
  const end = () => {
    clearTimeout(timer);
    for (const socket of kinds.values()) {
      if (questions.delete(socket)) socket.close();
    }
  };
  const timer = setTimeout(end, ANSWER_MS);
  for (const upstream of upstreams) {
    const six = isIPv6(upstream.address);
    let socket = kinds.get(six);
    if (socket === undefined) {
      socket = createSocket(six ? 'udp6' : 'udp4');
      kinds.set(six, socket);
      questions.add(socket);
      socket.on('error', () => undefined); // refused by one server: another may answer, else the time runs out
      socket.on('message', (answer) => {
        udp.send(answer, from.port, from.address);
        end();
      });
    }
    socket.send(question, upstream.port ?? DNS_PORT, upstream.address);
  }
}
