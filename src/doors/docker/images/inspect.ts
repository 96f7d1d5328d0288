import { Problem } from '../../../lib/problem.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { imageDetails } from './image-json.ts';

/** `docker image inspect`; dockerd says of this one path's errors whose they are. */
export async function inspectImage({ params, response, house, caller }: DockerCall): Promise<void> {
  const { name = '' } = params;
  try {
    sendJson(response, 200, imageDetails(await house.engine.shelf.find(name, caller)));
  } catch (error) {
    if (!(error instanceof Problem) || (error.code !== 'not-found' && error.code !== 'invalid')) throw error;
    throw new DockerError(404, `no such image: ${name}: ${error.message}`, { cause: error });
  }
}
