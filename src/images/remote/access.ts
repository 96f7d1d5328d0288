import { readSmall } from '../../lib/bytes.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { retry } from '../../lib/retry.ts';
import { RegistryAuth } from './auth.ts';
import { type Endpoint, endpointsOf, originEndpoint, type RegistryHosts } from './hosts.ts';
import { readRateLimit } from './rate-limit.ts';
import { connectionProblem } from './refusal.ts';
import type { Scopes } from './scopes.ts';
import {
  type Answer,
  isBrokenConnection,
  Transport,
  type TransportOptions,
  type TransportRequest,
} from './transport.ts';

export interface AccessRequest extends TransportRequest {
  scopes: Scopes;
}

/** A mirror that can't be reached is left out for so long. Milliseconds. */
const MIRROR_REST = 30_000;

/** Requests to registries, with who we are added: everything above this file sees only answers and Problems. */
export class RegistryAccess {
  readonly #hosts: RegistryHosts;
  readonly #transport: Transport;
  readonly #auth: RegistryAuth;
  readonly #clock: Clock;
  readonly #resting = new Map<string, number>();

  constructor(hosts: RegistryHosts, options: TransportOptions = {}, clock: Clock = systemClock) {
    this.#hosts = hosts;
    this.#clock = clock;
    this.#transport = new Transport(hosts, options);
    this.#auth = new RegistryAuth(hosts, this.#transport, clock);
  }

  /**
   * Credentials are sent to the endpoint's own host only, also when the URL (a Location) leads elsewhere.
   * @throws Problem `unavailable`, `timeout`, `cancelled`, `unauthenticated`; any status is an answer
   */
  async send(endpoint: Endpoint, request: AccessRequest): Promise<Answer> {
    const { scopes } = request;
    const own = request.url.origin === endpoint.origin;
    // A mirror has others behind it, so it gets one chance.
    const attempts = request.attempts ?? (endpoint.mirrorOf === undefined ? undefined : 1);
    try {
      let used = own ? await this.#auth.header(endpoint, scopes) : undefined;
      for (let round = 1; ; round++) {
        const headers = used === undefined ? request.headers : { ...request.headers, authorization: used };
        const answer = await this.#transport.send({ ...request, headers, attempts });
        const limit = readRateLimit(answer);
        if (limit !== undefined) this.#hosts.sawRateLimit?.(endpoint.host, limit);
        // The second 401 may ask for more scopes than the first one did; a third would be a circle.
        // Whoever we were redirected to may not ask for the registry's credentials.
        const asks = answer.status === 401 && own && answer.url.origin === endpoint.origin;
        if (!asks || round === 3) return answer;
        const challenge = answer.header('www-authenticate');
        const better = await this.#auth.challenged(endpoint, challenge, scopes, used);
        if (better === undefined) return answer;
        answer.body.resume();
        used = better;
      }
    } catch (error) {
      throw connectionProblem(error, endpoint);
    }
  }

  /**
   * As `send`, and reads a body that is known to be small; for refusals it is left to be read by `refusalOf`. Asks again
   * when the connection breaks within the body.
   * @throws Problem `invalid` when it is longer than `limit` bytes
   */
  read(endpoint: Endpoint, request: AccessRequest, limit: number): Promise<{ answer: Answer; bytes: Buffer }> {
    const once = async () => {
      const answer = await this.send(endpoint, request);
      return { answer, bytes: answer.status === 200 ? await readSmall(answer.body, limit) : Buffer.alloc(0) };
    };
    const { signal } = request;
    return retry(once, { attempts: 3, delay: 200, retryable: isBrokenConnection, signal }).catch((error: unknown) => {
      if (error instanceof RangeError)
        throw new Problem('invalid', `${request.url.href} is ${error.message}`, { cause: error });
      throw connectionProblem(error, endpoint);
    });
  }

  origin(host: string): Endpoint {
    return originEndpoint(this.#hosts, host);
  }

  /**
   * Does `work` with the mirrors of a host in turn, then with the host itself, until one succeeds.
   * @throws Problem the registry's own refusal; its hint says what the mirrors answered
   */
  async fromAny<T>(host: string, work: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    const refusals: string[] = [];
    for (const endpoint of endpointsOf(this.#hosts, host)) {
      if (endpoint.mirrorOf !== undefined && (this.#resting.get(endpoint.origin) ?? 0) > this.#clock.now()) continue;
      try {
        return await work(endpoint);
      } catch (error) {
        if (error instanceof Problem && error.code === 'cancelled') throw error;
        if (endpoint.mirrorOf === undefined) throw withRefusals(error, refusals);
        if (error instanceof Problem && (error.code === 'unavailable' || error.code === 'timeout'))
          this.#resting.set(endpoint.origin, this.#clock.now() + MIRROR_REST);
        refusals.push(`mirror ${endpoint.origin}: ${messageOf(error)}`);
      }
    }
    throw new Problem('unavailable', `no server for ${host}`);
  }

  /**
   * The same for what a mirror may leave out without a word: one that has none of it is not believed while the registry
   * itself can be asked.
   * @param work undefined when that server has none; asked of the registry itself it may do without a second try
   * @throws as `fromAny`, but for a registry that can't be reached behind a mirror that has answered
   */
  async fromFirst<T>(
    host: string,
    work: (endpoint: Endpoint, attempts: number | undefined) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    let answered = false;
    for (const endpoint of endpointsOf(this.#hosts, host)) {
      const isMirror = endpoint.mirrorOf !== undefined;
      if ((isMirror || answered) && (this.#resting.get(endpoint.origin) ?? 0) > this.#clock.now()) continue;
      try {
        const found = await work(endpoint, answered ? 1 : undefined);
        if (found !== undefined) return found;
        answered = true;
      } catch (error) {
        const gone = error instanceof Problem && (error.code === 'unavailable' || error.code === 'timeout');
        if (gone && (isMirror || answered)) this.#resting.set(endpoint.origin, this.#clock.now() + MIRROR_REST);
        if (!isMirror && !(gone && answered)) throw error;
        if (error instanceof Problem && error.code === 'cancelled') throw error;
      }
    }
    return undefined;
  }

  close(): void {
    this.#transport.close();
  }
}

function withRefusals(error: unknown, refusals: string[]): unknown {
  if (!(error instanceof Problem) || refusals.length === 0) return error;
  const hint = [error.hint, ...refusals].filter((line) => line !== undefined).join('\n');
  return new Problem(error.code, error.message, { hint, cause: error });
}
