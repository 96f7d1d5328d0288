import { decompress } from '../../images/decompress.ts';
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
