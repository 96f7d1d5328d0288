import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection of which every byte is in the hands of the test. */
export class SlowClient {
  readonly #socket: Socket;
  #received = '';
  #timer: NodeJS.Timeout | undefined;
  readonly #closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = once(socket, 'close');
    socket.on('error', () => undefined); // a server that hangs up is what some tests wait for
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
    });
  }

  static async open(host: string): Promise<SlowClient> {
    const { hostname, port } = new URL(`http://${host}`);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new SlowClient(socket);
  }

  /** Sends the head of a request, all at once. */
  head(method: string, path: string, secret: string, more: string[] = []): void {
    const lines = [`${method} ${path} HTTP/1.1`, 'Host: registry', `Authorization: Bearer ${secret}`, ...more, '', ''];
    this.#socket.write(lines.join('\r\n'));
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** From now on a byte every so often. */
  drip(everyMs: number): void {
    this.#timer = setInterval(() => this.#socket.write('.'), everyMs);
  }

  /** Takes nothing from the connection any more, but for a byte every so often, if that is said. */
  stopReading(everyMs?: number): void {
    this.#socket.removeAllListeners('data');
    this.#socket.pause();
    if (everyMs !== undefined) this.#timer = setInterval(() => this.#socket.read(1), everyMs);
  }

  /** What has been answered so far. */
  get received(): string {
    return this.#received;
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  async untilClosed(): Promise<void> {
    await this.#closed;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
