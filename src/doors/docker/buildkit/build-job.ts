import type { BuiltImage } from '../../../engine/engine.ts';
import { GrpcError } from '../grpc/grpc-error.ts';
import { StatusFeed } from './status-feed.ts';

/** What a client has asked of the frontend. It is built when the client returns it, or somebody needs it. */
export interface FrontendResult {
  attributes: Record<string, string>;
  /** Results of other builds that it uses, by the name of the context. */
  inputs: Record<string, string>;
  /** The image, once it is built. */
  image: Deferred<BuiltImage>;
  /** It only stands for the result of another build, which makes it. */
  borrowed?: boolean;
}

/** What a client says at the end of its part: one of the results, none at all, or what went wrong. */
export type Returned = { result: string | undefined } | { error: GrpcError };

/** One build as its client sees it: calls on several streams, held together by a name. */
export class BuildJob {
  readonly results = new Map<string, FrontendResult>();
  readonly feed = new StatusFeed();
  readonly #returned = deferred<Returned>();
  readonly #ended = deferred<void>();
  begun = false;

  /** Resolves when the build is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  return(returned: Returned): void {
    this.#returned.resolve(returned);
  }

  /** @throws GrpcError `cancelled` */
  async returned(signal: AbortSignal): Promise<Returned> {
    const { promise: gone, reject } = deferred<never>();
    const stop = () => reject(new GrpcError('cancelled', 'the client has ended the build'));
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      return await Promise.race([this.#returned.promise, gone]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  end(): void {
    this.feed.end();
    for (const { image } of this.results.values())
      image.reject(new GrpcError('failed-precondition', 'a build that this one needs has failed'));
    this.#ended.resolve();
  }
}

export interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

/** A promise that somebody else keeps; nobody has to look at it. */
export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((kept, broken) => {
    resolve = kept;
    reject = broken;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
