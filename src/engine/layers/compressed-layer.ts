import { type FileHandle, open, rm } from 'node:fs/promises';
import { encodeLayer } from '../../images/compress.ts';
import type { Layer } from '../../images/layer.ts';
import type { ContentStore } from '../../stores/content/content.ts';

/** A plain tar as a blob of the content store, compressed on its way. */
export async function compressedLayer(
  tar: AsyncIterable<Uint8Array>,
  content: ContentStore,
  signal: AbortSignal,
): Promise<Layer> {
  const file = await content.scratch();
  let handle: FileHandle | undefined;
  try {
    const target = await open(file, 'w', 0o600);
    handle = target;
    const { layer } = await encodeLayer(tar, async (chunk) => await target.appendFile(chunk), { signal });
    await handle.close();
    handle = undefined;
    await content.adopt(file, { ...layer.blob, diffID: layer.diffID });
    return layer;
  } catch (error) {
    await handle?.close();
    await rm(file, { force: true });
    throw error;
  }
}
