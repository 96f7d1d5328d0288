import type { BuiltImage } from '../../../engine/engine.ts';
import { familiarName, parseReference, withDefaultTag } from '../../../images/reference.ts';
import type { DockerCall } from '../call.ts';

/** Says to `docker events` what a build has named. */
export function tellTags(images: readonly BuiltImage[], { house }: DockerCall): void {
  for (const { image, tags } of images)
    for (const tag of tags) {
      const name = familiarName(withDefaultTag(parseReference(tag)));
      house.events.tell({ type: 'image', action: 'tag', id: image.id, attributes: { name }, at: house.clock.now() });
    }
}
