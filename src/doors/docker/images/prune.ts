import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { Filters } from '../filters.ts';
import { agoOf } from '../query.ts';
import { imageUsers } from './image-users.ts';
import { rowJson, tellRemoved } from './remove.ts';

/** `docker image prune`. */
export async function pruneImages(call: DockerCall): Promise<void> {
  const { query, response, house, caller } = call;
  const filters = Filters.of(query, ['dangling', 'label', 'label!', 'until']);
  const until = filters.get('until').map((text) => agoOf(text, house.clock.now()));
  const { rows, bytes } = await house.engine.shelf.prune(caller, {
    dangling: filters.boolean('dangling') ?? true,
    users: imageUsers(house),
    wanted: ({ config }) => {
      const labels = config.config?.Labels ?? {};
      const created = Date.parse(config.created ?? '') || 0;
      return filters.fitsLabels(labels) && filters.lacksLabels(labels) && until.every((moment) => created <= moment);
    },
  });
  tellRemoved(call, rows);
  sendJson(response, 200, { ImagesDeleted: rows.length === 0 ? null : rows.map(rowJson), SpaceReclaimed: bytes });
}
