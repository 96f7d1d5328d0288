import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { Filters } from '../filters.ts';
import { agoOf, integerOf } from '../query.ts';
import { sessionsOf } from '../session/sessions.ts';

/**
 * `POST /build/prune`: forgets layers of builds, and the clients' files that were kept for the next one. What a build of the
 * last hour used stays; with `--keep-storage` all layers do, because how much of them is kept is the server's setting.
 */
export async function pruneBuilds({ query, house, response }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['until', 'unused-for', 'label', 'label!']);
  const now = house.clock.now();
  const moments = [...filters.get('until'), ...filters.get('unused-for')].map((text) => agoOf(text, now));
  const keeps = (integerOf(query, 'keep-storage') ?? 0) > 0 || filters.has('label');
  const { keys, bytes } = keeps ? { keys: [], bytes: 0 } : await house.forgetBuilds(Math.min(now, ...moments));
  const mirrors = moments.length === 0 ? await sessionsOf(house).mirrors.clear() : 0;
  house.events.tell({
    type: 'builder',
    action: 'prune',
    id: '',
    attributes: { reclaimed: String(bytes + mirrors) },
    at: now,
  });
  sendJson(response, 200, { CachesDeleted: keys, SpaceReclaimed: bytes + mirrors });
}
