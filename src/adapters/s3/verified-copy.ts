import { open } from 'node:fs/promises';
import { Digester, digestAlgorithm } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { BlobInfo } from '../../stores/content/content.ts';
import { MeasuredFile } from '../../stores/content/measured-file.ts';

/**
 * The same bytes, written to a new file on their way when one is given. The last chunk is held back until everything has been
 * measured, so that nobody who counts bytes takes a damaged blob for a whole one. When this ends, the file is on disk; it
 * is the caller's however it ends.
 * @param damaged told before the stream fails for other bytes than the digest says
 */
export async function* verifiedCopy(
  source: AsyncIterable<Uint8Array>,
  blob: BlobInfo,
  path: string | undefined,
  damaged: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester(digestAlgorithm(blob.digest));
  const handle = path === undefined ? undefined : await open(path, 'wx', 0o444);
  const file = handle === undefined ? undefined : new MeasuredFile(handle, digester, blob.size);
  try {
    let held: Uint8Array | undefined;
    for await (const chunk of source) {
      if (held !== undefined) yield held;
      if (file === undefined) digester.update(chunk);
      else await file.write(chunk);
      held = chunk;
    }
    await file?.flush();
    if (digester.size !== blob.size || digester.finish() !== blob.digest) {
      damaged();
      throw new Problem('failed', `the object of blob ${blob.digest} holds other bytes`, {
        hint: 'Push or pull the image again: the blob counts as absent now, and is taken anew.',
      });
    }
    if (held !== undefined) yield held;
    await handle?.sync();
  } finally {
    await file?.settle();
    await handle?.close();
  }
}
