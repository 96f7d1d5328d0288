import type { IncomingMessage } from 'node:http';
import { runOk } from '../../../src/lib/run.ts';
import {
  type DebianRegistry,
  type Interloper,
  startDebianRegistry,
  startInterloper,
} from '../../wire/debian-registry.ts';
import { upstreamUrl } from '../../wire/server.ts';

/** What a registry does with a kind of requests: answers, lets them wait until `release`, or closes their connections. */
type Conduct = 'answers' | 'holds' | 'cuts';

/** Another registry, with busybox in it, whose network a test has in its hand. */
export class HeldRegistry {
  /** HOST:PORT of the way to it that can be held. */
  readonly host: string;
  pulls: Conduct = 'answers';
  uploads: Conduct = 'answers';
  readonly #registry: DebianRegistry;
  readonly #interloper: Interloper;
  readonly #waiting: Set<() => void>;

  static async start(): Promise<HeldRegistry> {
    const registry = await startDebianRegistry();
    const upstream = new URL(await upstreamUrl()).host;
    await runOk('skopeo', [
      'copy',
      '--quiet',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      `docker://${upstream}/library/busybox:latest`,
      `docker://${registry.host}/library/busybox:latest`,
    ]);
    const waiting = new Set<() => void>();
    const conduct: { of(request: IncomingMessage): Conduct } = { of: () => 'answers' };
    const interloper = await startInterloper(registry.host, (incoming, outgoing, forward) => {
      const wanted = conduct.of(incoming);
      if (wanted === 'answers') return false;
      if (wanted === 'cuts') incoming.socket.destroy();
      else {
        waiting.add(forward);
        outgoing.on('close', () => waiting.delete(forward));
      }
      return true;
    });
    const held = new HeldRegistry(registry, interloper, waiting);
    conduct.of = ({ method, url = '' }) => {
      if (url.includes('/blobs/uploads/')) return held.uploads;
      return url.startsWith('/v2/library/') && (method === 'GET' || method === 'HEAD') ? held.pulls : 'answers';
    };
    return held;
  }

  private constructor(registry: DebianRegistry, interloper: Interloper, waiting: Set<() => void>) {
    this.#registry = registry;
    this.#interloper = interloper;
    this.#waiting = waiting;
    this.host = interloper.host;
  }

  /** How many requests are held now. */
  get held(): number {
    return this.#waiting.size;
  }

  /** Answers everything, also what has waited. */
  release(): void {
    this.pulls = 'answers';
    this.uploads = 'answers';
    for (const forward of this.#waiting) forward();
    this.#waiting.clear();
  }

  async stop(): Promise<void> {
    await this.#interloper.stop();
    await this.#registry.stop();
  }
}
