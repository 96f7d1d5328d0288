import { messageOf, Problem } from '../../lib/problem.ts';
import type { RemoteImage } from './remote-image.ts';

/**
 * What an upstream's refusal means to our own client. It must not look as if we had refused: a 401 would send docker to
 * our login, 507 is our disk, and 400 is the client's mistake. Docker Hub says `denied` of every image that isn't there.
 */
export function upstreamProblem(error: unknown, { upstream, key }: RemoteImage): Problem {
  if (!(error instanceof Problem)) return new Problem('unavailable', `${upstream.host}: ${messageOf(error)}`);
  const { code, message, hint, cause } = error;
  if (code === 'denied' || code === 'unauthenticated' || code === 'not-found')
    return new Problem('not-found', `${upstream.host} gives nothing for ${key}: ${message}`, { hint, cause });
  if (code === 'exhausted' || code === 'invalid')
    return new Problem('unavailable', `${upstream.host}: ${message}`, { hint, cause });
  return error;
}

/** Waits for an upstream; that it has no such thing is undefined, other failures are thrown as `upstreamProblem`. */
export async function goneIsUndefined<T>(image: RemoteImage, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined;
    throw upstreamProblem(error, image);
  }
}
