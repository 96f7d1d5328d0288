import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { ContainerExit, StartedContainer } from '../container.ts';
import { KILLED } from '../kept/record-keeper.ts';

/** How it ended, also when nobody can say: then it counts as killed. */
export async function exitOf(process: StartedContainer, id: string): Promise<ContainerExit> {
  try {
    return await process.exited;
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'cancelled')) {
      log.error({ container: id, error: messageOf(error) }, 'a container ended in an unforeseen way');
    }
    return { code: KILLED, outOfMemory: false };
  }
}
