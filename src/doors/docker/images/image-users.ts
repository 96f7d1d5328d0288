import type { ImageUser } from '../../../engine/local/shelf.ts';
import type { Digest } from '../../../images/digest.ts';
import type { DockerHouse } from '../call.ts';

/** Containers that stand on images, for whoever removes those. */
export function imageUsers({ containers }: DockerHouse): (id: Digest) => ImageUser[] {
  const users = new Map<Digest, ImageUser[]>();
  for (const { id, imageId, state } of containers.list()) {
    const running = state.status === 'running' || state.status === 'paused' || state.status === 'restarting';
    users.set(imageId, [...(users.get(imageId) ?? []), { container: id, running }]);
  }
  return (id) => users.get(id) ?? [];
}
