import { parseDetachKeys } from '../../../containers/attach/detach-keys.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { booleanOf } from '../query.ts';
import { nameOf } from './lifecycle.ts';

/** The version from which on the content type tells framed streams from plain ones. */
const TELLS_FRAMES = 42;

/** What a stream of a container is: plain bytes of a terminal, or frames for each of its outputs. */
export function streamType(terminal: boolean, version: number): string {
  const framed = !terminal && version >= TELLS_FRAMES;
  return `application/vnd.docker.${framed ? 'multiplexed' : 'raw'}-stream`;
}

export async function attach(call: DockerCall): Promise<void> {
  const { query, house, version, signal } = call;
  const { id, name, request, state } = house.containers.get(nameOf(call));
  if (state.status === 'paused')
    throw new DockerError(409, `container ${name} is paused, unpause the container before attach`);
  if (state.status === 'restarting')
    throw new DockerError(409, `container ${name} is restarting, wait until the container is running`);
  const detachKeys = query.get('detachKeys') || undefined;
  parseDetachKeys(detachKeys); // while the client can still read an answer
  const socket = call.hijack({ upgrade: 'tcp', contentType: streamType(request.terminal, version) });
  const client = {
    socket,
    stdin: booleanOf(query, 'stdin'),
    stdout: booleanOf(query, 'stdout'),
    stderr: booleanOf(query, 'stderr'),
    replay: booleanOf(query, 'logs'),
    follow: booleanOf(query, 'stream'),
    detachKeys,
  };
  await house.containers.attach(id, client, signal);
}
