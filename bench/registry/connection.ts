import { connect, type Socket } from 'node:net';
import { Problem } from '../../src/lib/problem.ts';

/** What came to a request; its body is counted and dropped. */
export interface RawAnswer {
  status: number;
  head: string;
  bytes: number;
}

/** A block that is sent so many times, in chunks, without a length. */
export interface Repeated {
  block: Buffer;
  times: number;
}

const READ_BYTES = 1 << 20;

/**
 * One kept connection of HTTP/1.1, one request at a time. The client shares the two processors with the registry that is
 * measured, so it does as little as there is to do: what comes lies in one buffer that is used again, and of the headers
 * it reads the status, the length and what its caller looks for. Node's own client takes as long over a GET as a registry.
 */
export class Connection {
  readonly #socket: Socket;
  #head = '';
  /** Bytes of the body still to come; undefined before the headers are whole. */
  #left: number | undefined;
  #chunked = false;
  #bytes = 0;
  #tail = '';
  #bodiless = false;
  #waiting: { resolve(answer: RawAnswer): void; reject(error: Error): void } | undefined;

  constructor(host: string, port: number) {
    const take = (count: number, buffer: Uint8Array) => {
      this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, count));
      return true;
    };
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: take },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Problem('failed', 'the registry closed the connection')));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** @param head request line and headers, without the empty line */
  ask(head: string, body: Buffer | Repeated | undefined): Promise<RawAnswer> {
    this.#head = '';
    this.#tail = '';
    this.#bytes = 0;
    this.#left = undefined;
    this.#bodiless = head.startsWith('HEAD ');
    const answered = new Promise<RawAnswer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    if (body === undefined || Buffer.isBuffer(body))
      this.#socket.write(`${head}\r\n${body?.toString('latin1') ?? ''}`, 'latin1');
    else {
      this.#socket.write(`${head}\r\n`, 'latin1');
      this.#send(body).catch((error: Error) => this.#fail(error));
    }
    return answered;
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  async #send({ block, times }: Repeated): Promise<void> {
    const socket = this.#socket;
    for (let i = 0; i < times && !socket.destroyed; i++) {
      socket.cork();
      socket.write(`${block.length.toString(16)}\r\n`, 'latin1');
      socket.write(block);
      const taken = socket.write('\r\n', 'latin1');
      socket.uncork();
      if (!taken) await drained(socket);
    }
    socket.write('0\r\n\r\n', 'latin1');
  }

  #take(came: Buffer): void {
    let body = came;
    if (this.#left === undefined) {
      const end = this.#readHead(came);
      if (end === undefined) return;
      body = came.subarray(end);
    }
    this.#bytes += body.length;
    if (this.#chunked) {
      // lists are sent so: their end is all that has to be known
      this.#tail = (this.#tail + body.toString('latin1')).slice(-7);
      if (this.#tail === '\r\n0\r\n\r\n' || this.#tail === '0\r\n\r\n') this.#answer();
    } else if (this.#bytes >= (this.#left ?? 0)) this.#answer();
  }

  /** @returns where the body begins in what came */
  #readHead(came: Buffer): number | undefined {
    const before = this.#head.length;
    this.#head += came.toString('latin1', 0, Math.min(came.length, 16 * 1024));
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    this.#head = this.#head.slice(0, end + 2);
    this.#chunked = !this.#bodiless && /\r\ntransfer-encoding: *chunked\r\n/i.test(this.#head);
    this.#left = this.#bodiless ? 0 : Number(this.header('content-length') ?? 0);
    return end + 4 - before;
  }

  /** Of the last answer. */
  header(name: string): string | undefined {
    return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(this.#head)?.[1];
  }

  #answer(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(this.#head.slice(9, 12)), head: this.#head, bytes: this.#bytes });
  }

  #fail(error: Error): void {
    this.#socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
}
