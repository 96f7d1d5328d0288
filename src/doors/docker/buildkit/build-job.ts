import type { BuiltImage } from '../../../engine/engine.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import { type Deferred, deferred, orGone } from './deferred.ts';
import { StatusFeed } from './status-feed.ts';

/** What a client has asked of the frontend. It is built when the client returns it, or somebody needs it. */
export interface FrontendResult {
  attributes: Record<string, string>;
  /** Results of other builds that it uses, by the name of the context. */
  inputs: Record<string, string>;
  /** The image, once it is built. */
  image: Deferred<BuiltImage>;
  /** False where it stands for the result of another build, or was an answer alone. */
  toBuild: boolean;
}

/** What a client says at the end of its part: one of the results, none at all, or what went wrong. */
export type Returned = { result: string | undefined } | { error: GrpcError };

/** One build as its client sees it: calls on several streams, held together by a name. */
export class BuildJob {
  readonly results = new Map<string, FrontendResult>();
  readonly feed = new StatusFeed();
  readonly #returned = deferred<Returned>();
  readonly #ended = deferred<void>();
  readonly #session = deferred<string>();
  begun = false;

  /** @param session of the client */
  begin(session: string): void {
    this.begun = true;
    this.#session.resolve(session);
  }

  /** The client's session, once the build has begun. @throws GrpcError `cancelled` */
  async session(signal: AbortSignal): Promise<string> {
    return await orGone(this.#session.promise, signal);
  }

  /** Resolves when the build is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  return(returned: Returned): void {
    this.#returned.resolve(returned);
  }

  /** @throws GrpcError `cancelled` */
  async returned(signal: AbortSignal): Promise<Returned> {
    return await orGone(this.#returned.promise, signal);
  }

  end(): void {
    this.feed.end();
    for (const { image } of this.results.values())
      image.reject(new GrpcError('failed-precondition', 'a build that this one needs has failed'));
    this.#ended.resolve();
  }
}
