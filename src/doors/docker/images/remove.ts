import type { RemovedRow } from '../../../engine/local/shelf.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { booleanOf } from '../query.ts';
import { tell } from './image-events.ts';
import { imageUsers } from './image-users.ts';

/** `docker rmi`. */
export async function removeImage(call: DockerCall): Promise<void> {
  const { params, query, response, house, caller } = call;
  const { name = '' } = params;
  const { id } = await house.engine.shelf.find(name, caller);
  const rows = await house.engine.shelf.remove(name, caller, {
    force: booleanOf(query, 'force'),
    noPrune: booleanOf(query, 'noprune'),
    users: imageUsers(house),
  });
  tellRemoved(call, rows, id);
  sendJson(response, 200, rows.map(rowJson));
}

export function rowJson(row: RemovedRow): object {
  return 'untagged' in row ? { Untagged: row.untagged } : { Deleted: row.deleted };
}

/** @param id whose names went, where that is known */
export function tellRemoved(call: DockerCall, rows: readonly RemovedRow[], id?: string): void {
  for (const row of rows)
    if ('untagged' in row) tell(call, 'untag', id ?? row.untagged, row.untagged);
    else if (row.isImage) tell(call, 'delete', row.deleted);
}
