import { Problem } from '../../../lib/problem.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { Filters } from '../filters.ts';
import { agoOf } from '../query.ts';

/** `docker container prune`: what doesn't run, with its files. */
export async function pruneContainers({ query, house, response }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['label', 'label!', 'until']);
  const until = filters.get('until').map((text) => agoOf(text, house.clock.now()));
  const deleted: string[] = [];
  let bytes = 0;
  for (const { id, createdAt, state, request } of house.containers.list()) {
    const stopped = state.status === 'created' || state.status === 'exited' || state.status === 'dead';
    if (!stopped || !until.every((moment) => createdAt < moment)) continue;
    if (!filters.fitsLabels(request.labels) || !filters.lacksLabels(request.labels)) continue;
    try {
      const size = await house.containers.size(id);
      await house.containers.remove(id);
      deleted.push(id);
      bytes += size;
    } catch (error) {
      // started or removed by somebody else meanwhile
      if (!(error instanceof Problem && (error.code === 'not-found' || error.code === 'conflict'))) throw error;
    }
  }
  sendJson(response, 200, { ContainersDeleted: deleted, SpaceReclaimed: bytes });
}
