import { Worker } from 'node:worker_threads';
import { Problem } from './problem.ts';

/** Chunks that wait to be hashed before whoever sends them has to wait, too. */
const WAITING = 3;

/** Of its own, so that it needs no file: it is the same from dist/ and from sources. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const hash = require('node:crypto').createHash('sha256');
parentPort.on('message', (chunk) => {
  if (chunk === null) {
    parentPort.postMessage(hash.digest('hex'));
    parentPort.close();
  } else {
    hash.update(chunk);
    parentPort.postMessage(null);
  }
});
`;

/**
 * SHA-256 on another processor, for bytes of which one hash is taken here already. Starting the thread takes some 15 ms, so
 * it is for files of many megabytes. Chunks in shared memory are not copied, and may be overwritten once four more were
 * taken.
 */
export class HashThread {
  readonly #worker = new Worker(PROGRAM, { eval: true, execArgv: [], env: {} });
  readonly #digest: Promise<string>;
  #sent = 0;
  #wake: (() => void) | undefined;
  #failed: Error | undefined;

  constructor() {
    this.#digest = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: string | null) => {
        if (message !== null) return resolve(message);
        this.#sent--;
        this.#wake?.();
      });
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => reject(new Problem('failed', 'the thread that hashes ended early')));
    });
    this.#digest.catch((error: Error) => {
      this.#failed = error;
      this.#wake?.();
    });
  }

  async update(chunk: Uint8Array): Promise<void> {
    this.#worker.postMessage(chunk);
    this.#sent++;
    while (this.#sent > WAITING && this.#failed === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Hexadecimal digits; the thread has ended then. */
  async finish(): Promise<string> {
    this.#worker.postMessage(null);
    return await this.#digest;
  }

  /** Ends the thread, whatever it was doing. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
