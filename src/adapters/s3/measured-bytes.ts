import { Digester, digestAlgorithm } from '../../images/digest.ts';
import type { BlobInfo } from '../../stores/content/content.ts';

/**
 * The same bytes; the last chunk is held back until everything has been measured, so that nobody who counts bytes takes a
 * damaged blob for a whole one.
 * @param damaged gives the error that ends the stream when the bytes are not those of the digest
 */
export async function* measuredBytes(
  source: AsyncIterable<Uint8Array>,
  blob: BlobInfo,
  damaged: () => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester(digestAlgorithm(blob.digest));
  let held: Uint8Array | undefined;
  for await (const chunk of source) {
    if (held !== undefined) yield held;
    digester.update(chunk);
    held = chunk;
  }
  if (digester.size !== blob.size || digester.finish() !== blob.digest) throw damaged();
  if (held !== undefined) yield held;
}
