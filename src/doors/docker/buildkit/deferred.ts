import { GrpcError } from '../../grpc/grpc-error.ts';

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

/** Waits for a promise as long as the client is there. @throws GrpcError `cancelled` */
export async function orGone<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const gone = deferred<never>();
  const stop = () => gone.reject(new GrpcError('cancelled', 'the client has ended the build'));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, gone.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
