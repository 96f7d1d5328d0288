import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { createdSeconds, familiar } from './image-json.ts';

/** `docker history`. What no image here was, docker calls missing; it can be entered nevertheless, by its layer. */
export async function history({ params, response, house, caller }: DockerCall): Promise<void> {
  const rows = await house.engine.shelf.history(params['name'] ?? '', caller);
  sendJson(
    response,
    200,
    rows.map(({ id, tags, created, createdBy, comment, size }) => ({
      Comment: comment,
      Created: createdSeconds(created),
      CreatedBy: createdBy,
      Id: id ?? '<missing>',
      Size: size,
      Tags: tags.length === 0 ? null : tags.map(familiar),
    })),
  );
}
