import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { socketClient } from '../../../src/cli/control-client.ts';
import type { ControlClient } from '../../../src/cli/services.ts';
import { Unreachable } from '../../../src/cli/unreachable.ts';
import type { Digest } from '../../../src/images/digest.ts';
import { hasErrorCode } from '../../../src/lib/problem.ts';
import { callRegistry, type RegistryAnswer, type Sending } from '../../wire/registry-call.ts';
import { TestServer } from '../../wire/server.ts';

/** The server died while somebody waited for an answer: what was asked for has happened, or has not. */
export class CutOff extends Error {}

/** An hour, for which a lease holds, passes in four seconds. */
export const RATE = 900;
const CONFIG = 'retention:\n  undeleteHours: 1\n  pushHours: 2\n  trashHours: 1\n';

/** A server that is killed now and then; whoever asks meanwhile waits until it is back. */
export class SoakServer {
  readonly #server: TestServer;
  readonly secret: string;
  #up: Promise<void> = Promise.resolve();
  kills = 0;

  private constructor(server: TestServer, secret: string) {
    this.#server = server;
    this.secret = secret;
  }

  /** @param origin from which on its clock runs faster; the further back, the later it is there */
  static async start(origin: number): Promise<SoakServer> {
    const clock = pathToFileURL(join(import.meta.dirname, 'fast-clock.mjs')).href;
    const environment = { NODE_OPTIONS: `--import ${clock}`, SLIPWAY_TEST_CLOCK: `${origin} ${RATE}` };
    const server = await TestServer.start({ config: CONFIG, environment });
    return new SoakServer(server, await server.token());
  }

  get data(): string {
    return this.#server.data;
  }

  /** `kill -9`, and up again. */
  async kill(): Promise<void> {
    this.kills++;
    this.#up = this.#server.kill().then(() => this.#server.restart());
    await this.#up;
  }

  async send(method: string, path: string, sending: Sending = {}): Promise<RegistryAnswer> {
    await this.#up;
    try {
      return await callRegistry(this.#server.host, method, path, { secret: this.secret, ...sending });
    } catch (error) {
      if (!hasErrorCode(error, 'ECONNRESET', 'ECONNREFUSED', 'EPIPE')) throw error;
      await setTimeout(20);
      throw new CutOff(`${method} ${path}`, { cause: error });
    }
  }

  /** @throws CutOff */
  async control<T>(work: (client: ControlClient) => Promise<T>): Promise<T> {
    await this.#up;
    try {
      return await work(socketClient(join(this.data, 'slipway.sock')));
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await setTimeout(20);
      throw new CutOff('control', { cause: error });
    }
  }

  /** A round of housekeeping. */
  prune(): Promise<{ blobs: number }> {
    return this.control((client) => client.call('prune', {}));
  }

  undelete(repository: string, digest: Digest): Promise<string[]> {
    const image = `europe-central2-docker.pkg.dev/${repository}@${digest}`;
    return this.control((client) => client.call('undeleteImage', { image }));
  }

  log(): Promise<string> {
    return this.#server.log();
  }

  stop(): Promise<number> {
    return this.#server.stop();
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  /** Starts it again with another clock. */
  async later(origin: number): Promise<void> {
    await this.stop();
    await this.#server.restart({ SLIPWAY_TEST_CLOCK: `${origin} ${RATE}` });
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
