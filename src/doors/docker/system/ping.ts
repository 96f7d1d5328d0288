import { sendBytes } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';

/**
 * Which builder the clients take by default: 1 is the classic one, 2 is BuildKit. Clients of docker 20.10 and before go by
 * it; later ones take BuildKit wherever they have buildx, and the classic one where they don't.
 */
const BUILDER_VERSION = '2';

/** `/_ping`, by which every client begins: the version to speak and the builder to use are in its headers. */
export async function ping({ response }: DockerCall): Promise<void> {
  sendBytes(response, 200, 'OK', {
    'Builder-Version': BUILDER_VERSION,
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    'Content-Type': 'text/plain; charset=utf-8',
    Pragma: 'no-cache',
    Swarm: 'inactive',
  });
}
