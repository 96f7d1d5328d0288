import type { DockerCall } from '../call.ts';
import { endsWith, errorLine } from '../errors.ts';

/** So many bytes wait for a client that doesn't read before lines that may be lost are; half of it, and they go out again. */
const MOST_WAITING = 32 << 20;

/**
 * An answer of one JSON object per line, each sent at once, as docker shows the progress of long work. The status line
 * leaves with the first line: what fails before is an ordinary error with its status, what fails later an `errorDetail` in
 * the stream.
 */
export class JsonLines {
  readonly #call: DockerCall;
  #begun = false;
  #drained: Promise<void> | undefined;
  /** Lines that were lost since the last that went out. */
  #lost = 0;

  constructor(call: DockerCall) {
    this.#call = call;
  }

  /** Whoever sends very many lines waits for each; lines to a client that has gone are dropped. */
  send(line: object): Promise<void> | undefined {
    this.begin();
    const { response } = this.#call;
    if (response.destroyed || response.writableEnded || response.write(`${JSON.stringify(line)}\r\n`)) return undefined;
    this.#drained ??= new Promise<void>((resolve) => {
      const done = () => {
        response.off('drain', done).off('close', done);
        this.#drained = undefined;
        resolve();
      };
      response.on('drain', done).on('close', done);
    });
    return this.#drained;
  }

  /**
   * Sends what may be lost to a client that doesn't read: the work behind it doesn't wait, and its output is not kept in
   * memory without end. In a stream of text a line says that some are missing.
   */
  tell(line: object): void {
    const { response } = this.#call;
    if (response.writableLength > (this.#lost > 0 ? MOST_WAITING / 2 : MOST_WAITING)) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0 && 'stream' in line)
      void this.send({ stream: `\n[${this.#lost} pieces of output are missing: they were not read in time]\n` });
    this.#lost = 0;
    void this.send(line);
  }

  /** Sends the head, for clients that wait for it before they do anything else. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const { response } = this.#call;
    if (response.destroyed) return;
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    endsWith(response, (error) => {
      void this.send(errorLine(error));
      response.end();
    });
  }

  /** An answer without a line is an empty 200. */
  end(): void {
    this.begin();
    this.#call.response.end();
  }
}
