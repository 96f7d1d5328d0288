import { sendJson } from '../../http/answer.ts';
import type { DockerCall, DockerHouse } from '../call.ts';
import { Filters } from '../filters.ts';
import { agoOf, integerOf } from '../query.ts';
import { sessionsOf } from '../session/sessions.ts';

/** `POST /build/prune`. */
export async function pruneBuilds({ query, house, response }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['until', 'unused-for', 'label', 'label!']);
  const now = house.clock.now();
  const moments = [...filters.get('until'), ...filters.get('unused-for')].map((text) => agoOf(text, now));
  const keeps = (integerOf(query, 'keep-storage') ?? 0) > 0 || filters.has('label');
  const { keys, layers, files } = await forgetBuilds(house, { moments, keeps });
  sendJson(response, 200, { CachesDeleted: keys, SpaceReclaimed: layers + files });
}

/** What was forgotten, and the bytes that are free for it. */
export interface Forgotten {
  keys: string[];
  layers: number;
  /** Of clients. */
  files: number;
}

/**
 * Forgets layers of builds, and the clients' files that were kept for the next one. What a build of the last hour used
 * stays; where an amount is to be kept all layers do, because how much of them is kept is the server's setting.
 * @param moments what was used since stays as well; milliseconds since 1970
 */
export async function forgetBuilds(
  house: DockerHouse,
  { moments, keeps }: { moments: readonly number[]; keeps: boolean },
): Promise<Forgotten> {
  const now = house.clock.now();
  const { keys, bytes } = keeps ? { keys: [], bytes: 0 } : await house.forgetBuilds(Math.min(now, ...moments));
  const files = moments.length === 0 ? await sessionsOf(house).mirrors.clear() : 0;
  house.events.tell({
    type: 'builder',
    action: 'prune',
    id: '',
    attributes: { reclaimed: String(bytes + files) },
    at: now,
  });
  return { keys, layers: bytes, files };
}
