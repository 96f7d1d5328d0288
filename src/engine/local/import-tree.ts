import type { ImageConfig } from '../../images/config.ts';
import { decompress } from '../../images/decompress.ts';
import { timestamp } from '../../lib/clock.ts';
import type { HeldImage, LocalImage } from '../../stores/names/names.ts';
import type { Caller } from '../engine.ts';
import { compressedLayer } from '../layers/compressed-layer.ts';
import type { ProjectRoom } from '../project-room.ts';
import { changedConfig } from './changed-config.ts';
import type { ImportRequest } from './shelf.ts';
import { takeIn } from './take-in.ts';
import { writeImage } from './write-image.ts';

/** `docker import`: a tar of files becomes an image of one layer. It has a place here only once all of it was read as a tar. */
export async function importTree(
  tar: AsyncIterable<Uint8Array>,
  { comment, changes, platform, name }: ImportRequest,
  caller: Caller,
  { deps, trees }: ProjectRoom,
): Promise<LocalImage> {
  const at = deps.clock.now();
  const wanted = platform ?? deps.platform;
  const run = changedConfig({}, changes, wanted);
  const layer = await compressedLayer(decompress(tar), deps.content, caller.signal);
  await trees.listing(layer, caller.signal);
  const created = timestamp(at);
  const config: ImageConfig = {
    ...wanted,
    created,
    config: run,
    rootfs: { type: 'layers', diff_ids: [layer.diffID] },
    history: [comment === '' ? { created } : { created, comment }],
  };
  const image: HeldImage = { ...(await writeImage(config, [layer], deps.content, at)), kind: 'image' };
  await takeIn(image, name === undefined ? [] : [name], caller.scope, deps.names);
  return image;
}
