import { buildCallOf } from '../../src/cli/build-call.ts';
import { socketClient } from '../../src/cli/control-client.ts';
import { dataFolder } from '../../src/lib/data-folder.ts';
import { ResidentServer } from '../contenders/slipway.ts';
import { ResidentMemory } from '../resident-memory.ts';

/** One of our servers, asked on its own socket by this process: no command line starts, whose cost would hide the small ones. */
export class GrowingServer {
  readonly #server: ResidentServer;
  readonly #signal: AbortSignal;

  static async create(folder: string, signal: AbortSignal): Promise<GrowingServer> {
    return new GrowingServer(await ResidentServer.create('growth', folder), signal);
  }

  private constructor(server: ResidentServer, signal: AbortSignal) {
    this.#server = server;
    this.#signal = signal;
  }

  /** Begins again with an empty data folder. */
  renew(): Promise<void> {
    return this.#server.renew();
  }

  /** Builds a folder by its Dockerfile; gives milliseconds by the server's clock. */
  async build(context: string, tag?: string): Promise<number> {
    const tags = tag === undefined ? [] : [tag];
    const call = await buildCallOf({ tag: tags, cache: true, network: 'none', progress: 'json' }, context, {});
    const { ms } = await this.#control.call('build', call, undefined, this.#signal);
    return ms;
  }

  /** Sends an image to the registry that its name begins with; gives milliseconds by the server's clock. */
  async push(name: string): Promise<number> {
    const [pushed] = await this.#control.call('push', { name, all: false }, undefined, this.#signal);
    return pushed?.ms ?? Number.NaN;
  }

  /** The highest sum of memory of the server and its processes while the work goes on, in bytes. */
  async peakDuring(work: () => Promise<void>): Promise<number> {
    const memory = new ResidentMemory(this.#server.group);
    try {
      await work();
    } finally {
      await memory.stop();
    }
    return await memory.stop();
  }

  end(): Promise<void> {
    return this.#server.end();
  }

  get #control() {
    return socketClient(dataFolder(this.#server.data).socket);
  }
}
