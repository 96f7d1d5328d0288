import { decompress, packingOf } from '../../images/decompress.ts';
import { readTar } from '../../images/tar/read.ts';
import { Problem } from '../../lib/problem.ts';

/** Docker knows archives by content and not by name: whatever begins with a tar's entry once it is decompressed. */
export async function isArchive(bytes: AsyncIterable<Uint8Array>): Promise<boolean> {
  try {
    for await (const _ of readTar(decompress(bytes))) return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return false;
}

/**
 * The same of what can be read only once, by its first 512 bytes: docker takes a standard input that begins as an archive for
 * the context, and any other for a Dockerfile.
 */
export function beginsAsArchive(head: Uint8Array): boolean {
  return packingOf(head) !== 'plain' || Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar';
}
