import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** Bytes that are the same in every run: each seed has a stream of its own, and nothing compresses it. */
export function bytesOf(seed: string, size: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < size; i++) blocks.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

/** A layer with one file. */
export async function layerOf(seed: string, compressed: boolean): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: `${seed.replace(/\W+/g, '-')}.bin`, mtime: new Date(0) }, bytesOf(seed, 1500));
  tar.finalize();
  const bytes = await buffer(tar);
  return compressed ? gzipSync(bytes) : bytes;
}
