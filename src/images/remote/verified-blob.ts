import type { Readable } from 'node:stream';
import { Problem } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { Descriptor } from '../descriptor.ts';
import { Digester, digestAlgorithm } from '../digest.ts';
import { isBrokenConnection } from './transport.ts';

/** The blob from this byte on. */
export type OpenAt = (offset: number) => Promise<Readable>;

/** Broken connections in a row without a byte between them, before it is given up. */
const MAX_BREAKS = 5;

/**
 * A blob that is what its descriptor says, or an error before its end: size and digest are checked as the bytes pass, and
 * a connection that breaks is taken up again where it broke. So whoever reads to the end without an error has the blob.
 * @param first what `openAt(0)` gave
 * @param digest false: whoever reads measures the bytes, so that here only their number is looked at
 * @throws Problem `invalid` on other bytes than promised; `unavailable` when the connection breaks again and again
 */
export async function* verifiedBlob(
  descriptor: Descriptor,
  first: Readable,
  openAt: OpenAt,
  signal: AbortSignal | undefined,
  { retryDelay = 500, digest = true }: { retryDelay?: number | undefined; digest?: boolean | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = digest ? new Digester(digestAlgorithm(descriptor.digest)) : undefined;
  let seen = 0;
  let part: Readable | undefined = first;
  for (let breaks = 0; seen < descriptor.size || part !== undefined; ) {
    try {
      part ??= await openAt(seen);
      for await (const chunk of part) {
        breaks = 0;
        seen += chunk.length;
        digester?.update(chunk);
        if (seen > descriptor.size) throw mismatch(descriptor, `more than ${descriptor.size} bytes`);
        yield chunk;
      }
      if (seen < descriptor.size) throw new ShortBody();
    } catch (error) {
      if (signal?.aborted) throw new Problem('cancelled', `${descriptor.digest}: cancelled`, { cause: error });
      if (!mayResume(error)) throw error;
      if (++breaks > MAX_BREAKS)
        throw new Problem(
          'unavailable',
          `${descriptor.digest}: the connection broke at byte ${seen} of ${descriptor.size}`,
          {
            hint: 'The registry or the network between is unsteady. Try again later.',
            cause: error,
          },
        );
      await pause(retryDelay * 2 ** (breaks - 1), signal);
    }
    part = undefined;
  }
  const found = digester?.finish();
  if (found !== undefined && found !== descriptor.digest) throw mismatch(descriptor, `bytes of digest ${found}`);
}

/** A body that ended properly, but early: some proxies cut so. */
class ShortBody extends Error {}

function mayResume(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'unavailable' || error.code === 'timeout';
  return error instanceof ShortBody || isBrokenConnection(error);
}

function mismatch(descriptor: Descriptor, found: string): Problem {
  return new Problem('invalid', `filesystem layer verification failed for digest ${descriptor.digest}: got ${found}`, {
    hint: 'The registry, a mirror or a proxy sends other bytes than were pushed. Nothing of them was kept.',
  });
}
